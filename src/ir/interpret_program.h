/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter's inside: programs for a small register machine.
 *
 * A function is compiled once into instructions over slots, then executed.
 * Slots hold one lane each; a vector occupies consecutive ones. Expressions
 * that load nothing are computed where their innermost loop variable changes,
 * so inner loops are short. All operations are total, which makes computing
 * early harmless; only loads may fault, so only a SELECT that has loads below
 * it is compiled to jumps.
 */
#ifndef IR_INTERPRET_PROGRAM_H
#define IR_INTERPRET_PROGRAM_H

#include "base/map.h"
#include "ir/loop.h"

/* f32 and 32 raw bits share their place. Integers are kept sign- or
 * zero-extended to 64 bits, bool as 0 or 1, f16 and bf16 as zero-extended
 * bits. */
union value {
  int64_t i;
  uint64_t u;
  double d;
  float f;
  uint32_t w;
};

enum opcode {
#define OP(name, member, expression) OP_##name,
#include "ir/interpret_ops.def"
#undef OP
  OP_LANEWISE_COUNT,
  /* The same over instruction.lanes lanes: OP_VECTOR + opcode. */
  OP_VECTOR = OP_LANEWISE_COUNT,
  OP_BROADCAST = OP_VECTOR + OP_LANEWISE_COUNT, /* a into all lanes */
  OP_RAMP,                                      /* a + lane * b */
  OP_ANY,     /* one lane: whether some lane of a is true */
  OP_LOAD_32, /* a: element offset, immediate: memory number; raw bits */
  OP_LOAD_64,
  OP_LOAD_OTHER,
  OP_LOAD_LANES, /* consecutive; c: mask of lanes, or 0: all */
  OP_GATHER,     /* a: an offset per lane; c as above */
  OP_STORE_32,   /* b: value */
  OP_STORE_64,
  OP_STORE_OTHER,
  OP_STORE_LANES,
  OP_SCATTER,
  OP_CHECK,       /* faults when a is false; immediate: memory number */
  OP_CALL,        /* immediate: stage; a: its indices; lanes: their count */
  OP_LOOP,        /* dst = a for b rounds, dst+1 counts; none: jump */
  OP_NEXT,        /* dst += 1, jump while rounds are left */
  OP_JUMP,        /* immediate: distance from this instruction */
  OP_JUMP_UNLESS, /* when a is false */
  OP_BARRIER,
  OP_END,
};

struct instruction {
  uint16_t opcode;
  uint16_t lanes;
  uint32_t dst, a, b, c; /* slots; slot 0 stands for none */
  int32_t immediate;
};

struct program_constant {
  uint32_t slot;
  union value value;
};

struct program {
  const struct instruction *code;
  size_t code_count;
  size_t slot_count;
  const struct program_constant *constants;
  size_t constant_count;
  const uint32_t *scalar_slots;       /* as function->scalars */
  uint32_t worker_slot, workers_slot; /* 0: none */
  uint32_t result_slot; /* of local 0, the result of an element program */
  /* Memory numbers: parameters first, then function->buffers. */
  struct buffer *const *memories;
  size_t memory_count;
};

/* What a compiler of element programs knows more: loads of these stages'
 * outputs become calls. */
struct element_stages {
  struct stage *const *stages;
  size_t count;
};

/* `arena` holds the program; `calls` may be NULL. */
enum adze_status program_compile(struct arena *arena,
                                 const struct function *function,
                                 const struct element_stages *calls,
                                 const struct program **out,
                                 struct adze_error *error) ADZE_MUST_USE;

/* ---- Execution ---------------------------------------------------------- */

struct memory {
  const struct buffer *buffer;
  uint8_t *data;
  uint64_t elements;
};

struct machine {
  const struct program *program;
  union value *slots;
  const struct memory *memories; /* [program->memory_count] */
  size_t position;               /* of the next instruction */
  /* OP_CALL: the element of stage number `stage` at `indices`. */
  enum adze_status (*call)(void *context, size_t stage,
                           const union value *indices, size_t count,
                           union value *out, struct adze_error *error);
  void *context;
};

/* Fills in constants and the values that are given. */
void machine_init(struct machine *machine, struct arena *arena,
                  const struct program *program, const int64_t *scalars,
                  size_t scalar_count, int64_t worker, int64_t workers);
/* Runs up to the end or behind the next barrier. */
enum adze_status machine_run(struct machine *machine, bool *at_end,
                             struct adze_error *error) ADZE_MUST_USE;

/* One element of memory as a value and back. */
union value value_load(enum adze_dtype dtype, const void *data);
void value_store(enum adze_dtype dtype, void *data, union value value);
/* A constant expression's value. */
union value value_of_constant(const struct expr *e);
/* Bytes of one element. */
size_t value_bytes(enum adze_dtype dtype);

#endif
