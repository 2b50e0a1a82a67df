// A behavioural model of one layer in integers, plain and not made for synthesis: a start for your own. README.md says
// what the numbers stand for.
//
// Input values come in any order, each with its place; of an addition also those of the second operand (in_other = 1).
// Outputs go out with their places, in any order. A device with line buffers may begin before all input is there: the
// bench sends row by row, pixel by pixel, channel by channel.
module layer #(
  parameter OPERATOR = "convolution", ACTIVATION = "none",
  parameter INPUTS = 1, OTHER_INPUTS = 0, OUTPUTS = 1, HEIGHT = 1, WIDTH = 1,  // channels; size of the input
  parameter FACTOR = 1,                                                       // the output is so many times as large
  parameter KERNEL_H = 1, KERNEL_W = 1, PAD_H = 0, PAD_W = 0, DILATION_H = 1, DILATION_W = 1, GROUPS = 1,
  parameter REPLICATE = 0,           // a convolution's padding: 0 zeros, 1 the nearest pixel
  parameter BORDER = 0,              // nearest pixels around a transposed convolution's input, not counted in PAD
  parameter LOW = 0, HIGH = 0,       // what outputs are clamped to
  parameter ZERO = 0, OTHER_ZERO = 0, SCALE = 1, OTHER_SCALE = 1,  // zero points; what an addition multiplies with
  parameter IS_INT8 = 0,             // values are u8 and sums are rescaled; or words in fixed point
  parameter BITS = 8,                // of a value
  parameter FRACTION_BITS = 0, SHIFT = 0, ROUNDING = "half up", WRAP = 0,  // fixed point
  parameter OUTPUT_ZERO = 0,                                               // int8
  parameter WEIGHT_BITS = 8, BIAS_BITS = 32, WEIGHTS = 1, SLOPES = 1,
  parameter WEIGHT_FILE = "", BIAS_FILE = "", SLOPE_FILE = "", RESCALE_FILE = "", TABLE_FILE = ""
) (
  input clk,
  input in_valid, in_other,
  input [15:0] in_channel, in_row, in_column,
  input [BITS-1:0] in_value,
  output reg out_valid,
  output reg [15:0] out_channel, out_row, out_column,
  output reg [BITS-1:0] out_value
);
  localparam PLANE = HEIGHT * WIDTH, TOTAL = (INPUTS + OTHER_INPUTS) * PLANE;

  reg signed [WEIGHT_BITS-1:0] weight[0:WEIGHTS-1];
  reg signed [BIAS_BITS-1:0] bias[0:OUTPUTS-1];
  reg signed [BITS-1:0] slope[0:SLOPES-1];
  reg signed [31:0] rescale[0:4*OUTPUTS-1];  // multiplier and shift from 0, multiplier and shift below 0
  reg [BITS-1:0] lookup[0:255];
  reg [BITS-1:0] values[0:TOTAL-1];  // the input, then the other

  integer i;
  initial begin
    for (i = 0; i < OUTPUTS; i = i + 1) bias[i] = 0;
    if (WEIGHT_FILE != "") $readmemh(WEIGHT_FILE, weight);
    if (BIAS_FILE != "") $readmemh(BIAS_FILE, bias);
    if (SLOPE_FILE != "") $readmemh(SLOPE_FILE, slope);
    if (RESCALE_FILE != "") $readmemh(RESCALE_FILE, rescale);
    if (TABLE_FILE != "") $readmemh(TABLE_FILE, lookup);
  end

  // A stored value from its zero point.
  function signed [63:0] stored(input integer index, zero);
    stored = IS_INT8 ? $signed({1'b0, values[index]}) - zero : $signed(values[index]);
  endfunction

  function integer within(input integer i, count);
    within = i < 0 ? 0 : i >= count ? count - 1 : i;
  endfunction

  // The nearest pixel where (y, x) is outside.
  function signed [63:0] nearest(input integer c, y, x);
    nearest = stored(c * PLANE + within(y, HEIGHT) * WIDTH + within(x, WIDTH), ZERO);
  endfunction

  // A pixel of a convolution's padded input.
  function signed [63:0] padded(input integer c, y, x);
    if (!REPLICATE && (y < 0 || x < 0 || y >= HEIGHT || x >= WIDTH)) padded = 0;
    else padded = nearest(c, y, x);
  endfunction

  // A pixel of a transposed convolution's input after FACTOR - 1 zeros were inserted between its pixels.
  function signed [63:0] spread(input integer c, y, x);
    integer iy, ix;
    begin
      iy = y + BORDER * FACTOR;
      ix = x + BORDER * FACTOR;
      spread = 0;
      if (iy >= 0 && ix >= 0 && iy % FACTOR == 0 && ix % FACTOR == 0) begin
        iy = iy / FACTOR - BORDER;
        ix = ix / FACTOR - BORDER;
        if (iy < HEIGHT + BORDER && ix < WIDTH + BORDER) spread = nearest(c, iy, ix);
      end
    end
  endfunction

  function signed [63:0] bias_of(input integer o);
    bias_of = IS_INT8 ? bias[o] : bias[o] * (64'sd1 <<< FRACTION_BITS);
  endfunction

  // weight [OUTPUTS][INPUTS / GROUPS][KERNEL_H][KERNEL_W]
  function signed [63:0] convolution(input integer o, y, x);
    integer c, ky, kx, from;
    begin
      convolution = bias_of(o);
      for (c = 0; c < INPUTS / GROUPS; c = c + 1)
        for (ky = 0; ky < KERNEL_H; ky = ky + 1)
          for (kx = 0; kx < KERNEL_W; kx = kx + 1) begin
            from = o / (OUTPUTS / GROUPS) * (INPUTS / GROUPS) + c;
            convolution = convolution + weight[((o * (INPUTS / GROUPS) + c) * KERNEL_H + ky) * KERNEL_W + kx] *
                          padded(from, y + ky * DILATION_H - PAD_H, x + kx * DILATION_W - PAD_W);
          end
    end
  endfunction

  // By the recipe: zeros inserted, padded by DILATION * (KERNEL - 1) - PAD, the kernel turned by 180 degrees.
  // weight [INPUTS][OUTPUTS][KERNEL_H][KERNEL_W]
  function signed [63:0] transposed(input integer o, y, x);
    integer c, ky, kx;
    begin
      transposed = bias_of(o);
      for (c = 0; c < INPUTS; c = c + 1)
        for (ky = 0; ky < KERNEL_H; ky = ky + 1)
          for (kx = 0; kx < KERNEL_W; kx = kx + 1)
            transposed = transposed +
                         weight[((c * OUTPUTS + o) * KERNEL_H + KERNEL_H - 1 - ky) * KERNEL_W + KERNEL_W - 1 - kx] *
                         spread(c, y + ky * DILATION_H - (DILATION_H * (KERNEL_H - 1) - PAD_H),
                                x + kx * DILATION_W - (DILATION_W * (KERNEL_W - 1) - PAD_W));
    end
  endfunction

  // weight [FACTOR][5], of five neighbouring pixels
  function signed [63:0] interpolation(input integer c, y, x);
    integer i, j;
    begin
      interpolation = 0;
      for (i = 0; i < 5; i = i + 1)
        for (j = 0; j < 5; j = j + 1)
          interpolation = interpolation + weight[y % FACTOR * 5 + i] * weight[x % FACTOR * 5 + j] *
                          nearest(c, y / FACTOR + i - 2, x / FACTOR + j - 2);
    end
  endfunction

  function signed [63:0] addition(input integer c, y, x);
    addition = SCALE * stored((INPUTS == 1 ? 0 : c) * PLANE + y * WIDTH + x, ZERO) +
               OTHER_SCALE * stored((INPUTS + (OTHER_INPUTS == 1 ? 0 : c)) * PLANE + y * WIDTH + x, OTHER_ZERO);
  endfunction

  function signed [63:0] sum_of(input integer o, y, x);
    if (OPERATOR == "convolution") sum_of = convolution(o, y, x);
    else if (OPERATOR == "transposed convolution") sum_of = transposed(o, y, x);
    else if (OPERATOR == "depth to space")
      sum_of = nearest((o * FACTOR + y % FACTOR) * FACTOR + x % FACTOR, y / FACTOR, x / FACTOR);
    else if (OPERATOR == "addition") sum_of = addition(o, y, x);
    else sum_of = interpolation(o, y, x);
  endfunction

  function signed [63:0] clamped(input signed [63:0] value, low, high);
    clamped = value < low ? low : value > high ? high : value;
  endfunction

  // int8: a sum rescaled and rounded, halves up.
  function signed [63:0] requantised(input integer o, input signed [63:0] sum);
    integer at, shift;
    begin
      at = 4 * o + (sum < 0 ? 2 : 0);
      shift = rescale[at + 1];
      requantised = (sum * rescale[at] + (64'sd1 <<< (shift - 1))) >>> shift;
      if (ACTIVATION == "tanh") requantised = lookup[clamped(requantised + 128, 0, 255)];
      else requantised = clamped(requantised + OUTPUT_ZERO, LOW, HIGH);
    end
  endfunction

  // Fixed point: value / 2^shift.
  function signed [63:0] rounded(input signed [63:0] value, input integer shift);
    reg signed [63:0] below, rest, one;
    begin
      one = 64'sd1 <<< shift;
      below = value >>> shift;
      rest = value - below * one;
      if (ROUNDING == "half up") rounded = below + (2 * rest >= one);
      else if (ROUNDING == "half even") rounded = below + (2 * rest > one || (2 * rest == one && below[0]));
      else if (ROUNDING == "toward zero") rounded = below + (value < 0 && rest > 0);
      else rounded = below;
    end
  endfunction

  // Fixed point: what does not fit into a word is saturated or wrapped.
  function signed [63:0] fitted(input signed [63:0] value);
    if (WRAP) fitted = $signed(value[BITS-1:0]);
    else fitted = clamped(value, -(64'sd1 <<< (BITS - 1)), (64'sd1 <<< (BITS - 1)) - 1);
  endfunction

  function signed [63:0] tanh_of(input signed [63:0] value);
    real t;
    begin
      t = $tanh(value / (2.0 ** FRACTION_BITS)) * 2.0 ** FRACTION_BITS;
      if (ROUNDING == "down") t = $floor(t);
      else if (ROUNDING != "toward zero") t = $floor(t + 0.5);
      tanh_of = $rtoi(t);
    end
  endfunction

  function signed [63:0] as_word(input integer o, input signed [63:0] sum);
    begin
      as_word = fitted(rounded(sum, SHIFT));
      if (ACTIVATION == "ReLU" && as_word < 0) as_word = 0;
      if (ACTIVATION == "PReLU" && as_word < 0)
        as_word = fitted(rounded(as_word * slope[SLOPES == 1 ? 0 : o], FRACTION_BITS));
      if (ACTIVATION == "tanh") as_word = fitted(tanh_of(as_word));
      as_word = clamped(as_word, LOW, HIGH);
    end
  endfunction

  integer received = 0, o = 0, y = 0, x = 0;
  initial out_valid = 0;
  always @(posedge clk) begin
    out_valid <= 0;
    if (in_valid) begin
      values[((in_other ? INPUTS : 0) + in_channel) * PLANE + in_row * WIDTH + in_column] <= in_value;
      received <= received + 1;
    end else if (received == TOTAL && o < OUTPUTS) begin
      out_valid <= 1;
      out_channel <= o;
      out_row <= y;
      out_column <= x;
      out_value <= IS_INT8 ? requantised(o, sum_of(o, y, x)) : as_word(o, sum_of(o, y, x));
      if (x < FACTOR * WIDTH - 1) x <= x + 1;
      else begin
        x <= 0;
        if (y < FACTOR * HEIGHT - 1) y <= y + 1;
        else begin
          y <= 0;
          o <= o + 1;
        end
      end
    end
  end
endmodule
