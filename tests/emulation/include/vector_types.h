// SPDX-License-Identifier: Apache-2.0
// Emulation: CUDA's short vectors, their alignments, and the built-in index types.
#pragma once

// Defines name2, name3 and name4 of `scalar` with the functions that make them.
#define CADENZA_EMULATED_VECTORS(name, scalar, align2, align4)                      \
  struct alignas(align2) name##2 {                                                  \
    scalar x, y;                                                                    \
  };                                                                                \
  struct name##3 {                                                                  \
    scalar x, y, z;                                                                 \
  };                                                                                \
  struct alignas(align4) name##4 {                                                  \
    scalar x, y, z, w;                                                              \
  };                                                                                \
  inline name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }              \
  inline name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; } \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }

CADENZA_EMULATED_VECTORS(char, signed char, 2, 4)
CADENZA_EMULATED_VECTORS(uchar, unsigned char, 2, 4)
CADENZA_EMULATED_VECTORS(short, short, 4, 8)
CADENZA_EMULATED_VECTORS(ushort, unsigned short, 4, 8)
CADENZA_EMULATED_VECTORS(int, int, 8, 16)
CADENZA_EMULATED_VECTORS(uint, unsigned int, 8, 16)
CADENZA_EMULATED_VECTORS(longlong, long long, 16, 16)
CADENZA_EMULATED_VECTORS(ulonglong, unsigned long long, 16, 16)
CADENZA_EMULATED_VECTORS(float, float, 8, 16)
CADENZA_EMULATED_VECTORS(double, double, 16, 16)
#undef CADENZA_EMULATED_VECTORS

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};
