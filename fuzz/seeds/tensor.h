// t: shape 1 1 1 2 type float32
static const float t[2] = {
1.f, -2.5e-1f
};
