/* SPDX-License-Identifier: Apache-2.0 */
/* Element types. Stands alone. The numbers are part of the package format. */
#ifndef ADZE_DTYPE_H
#define ADZE_DTYPE_H

/* X(NAME, number, bytes, kind letter, numpy name); kinds: f float, b bfloat,
 * i signed, u unsigned, t truth value (one byte, 0 or 1). */
#define ADZE_DTYPE_LIST(X)                                                     \
  X(F32, 1, 4, 'f', "float32")                                                 \
  X(F64, 2, 8, 'f', "float64")                                                 \
  X(F16, 3, 2, 'f', "float16")                                                 \
  X(BF16, 4, 2, 'b', "bfloat16")                                               \
  X(I8, 5, 1, 'i', "int8")                                                     \
  X(I16, 6, 2, 'i', "int16")                                                   \
  X(I32, 7, 4, 'i', "int32")                                                   \
  X(I64, 8, 8, 'i', "int64")                                                   \
  X(U8, 9, 1, 'u', "uint8")                                                    \
  X(U16, 10, 2, 'u', "uint16")                                                 \
  X(U32, 11, 4, 'u', "uint32")                                                 \
  X(U64, 12, 8, 'u', "uint64")                                                 \
  X(BOOL, 13, 1, 't', "bool")

enum adze_dtype {
  ADZE_DTYPE_NONE = 0,
#define X(name, number, bytes, kind, text) ADZE_##name = number,
  ADZE_DTYPE_LIST(X)
#undef X
};

#endif
