// Sends a layer's input to the device under test, the module `layer`, and compares what it makes with what is expected.
// vectors.v has one of these for each layer, one after the other:
//
//   iverilog -g2005 -o bench vectors.v bench.v layer.v && vvp bench
//
// Put your own in layer.v's place. Its inputs are the expected outputs of the layers before it, so that one mistake
// shows in one layer.
module bench #(
  parameter NAME = "", INPUT_FILE = "", OTHER_FILE = "", EXPECTED_FILE = "",
  parameter PATIENCE = 1000000,  // clocks that the device may take for its next output
  // The layer's, see layer.v.
  parameter OPERATOR = "convolution", ACTIVATION = "none",
  parameter INPUTS = 1, OTHER_INPUTS = 0, OUTPUTS = 1, HEIGHT = 1, WIDTH = 1, FACTOR = 1,
  parameter KERNEL_H = 1, KERNEL_W = 1, PAD_H = 0, PAD_W = 0, DILATION_H = 1, DILATION_W = 1, GROUPS = 1,
  parameter REPLICATE = 0, BORDER = 0, LOW = 0, HIGH = 0, ZERO = 0, OTHER_ZERO = 0, SCALE = 1, OTHER_SCALE = 1,
  parameter IS_INT8 = 0, BITS = 8, FRACTION_BITS = 0, SHIFT = 0, ROUNDING = "half up", WRAP = 0, OUTPUT_ZERO = 0,
  parameter WEIGHT_BITS = 8, BIAS_BITS = 32, WEIGHTS = 1, SLOPES = 1,
  parameter WEIGHT_FILE = "", BIAS_FILE = "", SLOPE_FILE = "", RESCALE_FILE = "", TABLE_FILE = ""
) (
  input start,
  output reg done, right
);
  localparam PLANE = HEIGHT * WIDTH, ROWS = FACTOR * HEIGHT, COLUMNS = FACTOR * WIDTH;
  localparam COUNT = OUTPUTS * ROWS * COLUMNS;

  reg [BITS-1:0] first_in[0:INPUTS*PLANE-1];
  reg [BITS-1:0] other_in[0:(OTHER_INPUTS > 0 ? OTHER_INPUTS : 1)*PLANE-1];
  reg [BITS-1:0] expected[0:COUNT-1];
  reg [BITS-1:0] got[0:COUNT-1];  // x where nothing came

  reg clk = 0, in_valid = 0, in_other = 0;
  reg [15:0] in_channel = 0, in_row = 0, in_column = 0;
  reg [BITS-1:0] in_value = 0;
  wire out_valid;
  wire [15:0] out_channel, out_row, out_column;
  wire [BITS-1:0] out_value;

  layer #(
    .OPERATOR(OPERATOR), .ACTIVATION(ACTIVATION), .INPUTS(INPUTS), .OTHER_INPUTS(OTHER_INPUTS), .OUTPUTS(OUTPUTS),
    .HEIGHT(HEIGHT), .WIDTH(WIDTH), .FACTOR(FACTOR), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .PAD_H(PAD_H),
    .PAD_W(PAD_W), .DILATION_H(DILATION_H), .DILATION_W(DILATION_W), .GROUPS(GROUPS), .REPLICATE(REPLICATE),
    .BORDER(BORDER), .LOW(LOW), .HIGH(HIGH), .ZERO(ZERO), .OTHER_ZERO(OTHER_ZERO), .SCALE(SCALE),
    .OTHER_SCALE(OTHER_SCALE), .IS_INT8(IS_INT8), .BITS(BITS), .FRACTION_BITS(FRACTION_BITS), .SHIFT(SHIFT),
    .ROUNDING(ROUNDING), .WRAP(WRAP), .OUTPUT_ZERO(OUTPUT_ZERO), .WEIGHT_BITS(WEIGHT_BITS), .BIAS_BITS(BIAS_BITS),
    .WEIGHTS(WEIGHTS), .SLOPES(SLOPES), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .SLOPE_FILE(SLOPE_FILE),
    .RESCALE_FILE(RESCALE_FILE), .TABLE_FILE(TABLE_FILE)
  ) device (
    .clk(clk), .in_valid(in_valid), .in_other(in_other), .in_channel(in_channel), .in_row(in_row),
    .in_column(in_column), .in_value(in_value), .out_valid(out_valid), .out_channel(out_channel), .out_row(out_row),
    .out_column(out_column), .out_value(out_value)
  );

  // A clock's rising edge, at which the device reads what was set before.
  task tick;
    begin
      #5 clk = 1;
      #5 clk = 0;
    end
  endtask

  integer came = 0, outside = 0, waited = 0;
  always @(posedge clk) if (out_valid) begin
    waited <= 0;
    came <= came + 1;
    if (out_channel < OUTPUTS && out_row < ROWS && out_column < COLUMNS)
      got[(out_channel * ROWS + out_row) * COLUMNS + out_column] <= out_value;
    else outside <= outside + 1;
  end

  // What a word stands for, as a number.
  function integer number(input [BITS-1:0] word);
    if (IS_INT8) number = word;
    else number = $signed(word);
  endfunction

  task compare;
    integer i, first, differ, missing;
    begin
      first = -1;
      differ = 0;
      missing = 0;
      for (i = 0; i < COUNT; i = i + 1) begin
        if (got[i] !== expected[i]) begin
          if (first < 0) first = i;
          differ = differ + 1;
        end
        if (^got[i] === 1'bx) missing = missing + 1;
      end
      right = differ == 0 && outside == 0;
      if (right) $display("%0s: right, %0d values", NAME, COUNT);
      else $display("%0s: DIFFERS, %0d of %0d values", NAME, differ, COUNT);
      if (first >= 0 && ^got[first] === 1'bx)
        $display("  first at channel %0d, row %0d, column %0d: no value, expected %0d", first / (ROWS * COLUMNS),
                 first / COLUMNS % ROWS, first % COLUMNS, number(expected[first]));
      else if (first >= 0)
        $display("  first at channel %0d, row %0d, column %0d: %0d, expected %0d", first / (ROWS * COLUMNS),
                 first / COLUMNS % ROWS, first % COLUMNS, number(got[first]), number(expected[first]));
      if (missing > 0) $display("  %0d values are missing or not defined", missing);
      if (outside > 0) $display("  %0d values came with a place outside of the output", outside);
    end
  endtask

  integer c, y, x;
  initial begin
    done = 0;
    right = 0;
    wait (start);
    $readmemh(INPUT_FILE, first_in);
    if (OTHER_INPUTS > 0) $readmemh(OTHER_FILE, other_in);
    $readmemh(EXPECTED_FILE, expected);
    in_valid = 1;
    for (y = 0; y < HEIGHT; y = y + 1)
      for (x = 0; x < WIDTH; x = x + 1)
        for (c = 0; c < INPUTS + OTHER_INPUTS; c = c + 1) begin
          in_other = c >= INPUTS;
          in_channel = in_other ? c - INPUTS : c;
          in_row = y;
          in_column = x;
          in_value = in_other ? other_in[in_channel * PLANE + y * WIDTH + x]
                              : first_in[in_channel * PLANE + y * WIDTH + x];
          tick;
        end
    in_valid = 0;
    waited = 0;
    while (came < COUNT && waited < PATIENCE) begin
      waited = waited + 1;
      tick;
    end
    if (came < COUNT) $display("%0s: no output came for %0d clocks", NAME, PATIENCE);
    compare;
    done = 1;
  end
endmodule
