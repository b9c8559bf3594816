/* SPDX-License-Identifier: Apache-2.0 */
/* Executes the interpreter's programs.
 *
 * One loop over instructions. Lane-wise operations come from
 * interpret_ops.def, once for single lanes and once for vectors. Memory is
 * touched only behind a comparison with its size. Built without contraction of
 * a*b+c and with no reliance on the rounding mode but the default.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ir/interpret_program.h"
#include "ir/scalar.h"

/* ---- Operations that take more than an expression ----------------------- */

static int64_t divide_i(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t remainder_i(int64_t a, int64_t b) {
  if (b == 0)
    return a;
  return b == -1 ? 0 : a % b;
}

static int64_t floor_divide_i(int64_t a, int64_t b) {
  int64_t quotient = divide_i(a, b);
  bool is_above = b != 0 && b != -1 && a % b != 0 && (a < 0) != (b < 0);
  return quotient - is_above;
}

static int64_t floor_modulo_i(int64_t a, int64_t b) {
  int64_t rest = remainder_i(a, b);
  bool is_off = b != 0 && rest != 0 && (rest < 0) != (b < 0);
  return is_off ? rest + b : rest;
}

static int64_t shift_right_i(int64_t a, uint64_t amount) {
  uint64_t bits = (uint64_t)a;
  return (int64_t)(a < 0 ? ~(~bits >> amount) : bits >> amount);
}

static uint64_t saturate(double value, enum adze_dtype dtype) {
  unsigned bits = dtype_bits(dtype);
  bool is_signed = dtype_is_signed(dtype);
  double high = ldexp(1, (int)(is_signed ? bits - 1 : bits)); /* exclusive */
  double low = is_signed ? -high : 0;
  if (isnan(value))
    return 0;
  value = trunc(value);
  if (is_signed) {
    uint64_t top = UINT64_C(1) << (bits - 1);
    return value >= high ? top - 1
           : value < low ? 0 - top
                         : (uint64_t)(int64_t)value;
  }
  return value >= high ? UINT64_MAX >> (64 - bits)
         : value < 0   ? 0
                       : (uint64_t)value;
}

/* ---- Memory ------------------------------------------------------------- */

size_t value_bytes(enum adze_dtype dtype) { return dtype_bits(dtype) / 8; }

#define INTEGER_CASE(name, type, member)                                       \
  case ADZE_##name: {                                                          \
    type element;                                                              \
    memcpy(&element, data, sizeof element);                                    \
    value.member = element;                                                    \
    return value;                                                              \
  }

union value value_load(enum adze_dtype dtype, const void *data) {
  union value value = {.u = 0};
  switch (dtype) {
    INTEGER_CASE(F32, uint32_t, w)
    INTEGER_CASE(F64, uint64_t, u)
    INTEGER_CASE(F16, uint16_t, u)
    INTEGER_CASE(BF16, uint16_t, u)
    INTEGER_CASE(I8, int8_t, i)
    INTEGER_CASE(I16, int16_t, i)
    INTEGER_CASE(I32, int32_t, i)
    INTEGER_CASE(I64, int64_t, i)
    INTEGER_CASE(U8, uint8_t, u)
    INTEGER_CASE(U16, uint16_t, u)
    INTEGER_CASE(U32, uint32_t, u)
    INTEGER_CASE(U64, uint64_t, u)
  case ADZE_BOOL:
    value.u = *(const uint8_t *)data != 0;
    return value;
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

void value_store(enum adze_dtype dtype, void *data, union value value) {
  switch (value_bytes(dtype)) {
  case 1: {
    uint8_t element = (uint8_t)value.u;
    memcpy(data, &element, sizeof element);
    return;
  }
  case 2: {
    uint16_t element = (uint16_t)value.u;
    memcpy(data, &element, sizeof element);
    return;
  }
  case 4:
    memcpy(data, &value.w, sizeof value.w);
    return;
  default:
    memcpy(data, &value.u, sizeof value.u);
    return;
  }
}

union value value_of_constant(const struct expr *e) {
  union value value = {.u = 0};
  if (e->kind == EXPR_INTEGER) {
    value.i = e->integer;
    return value;
  }
  switch ((int)e->dtype) {
  case ADZE_F32:
    value.f = (float)e->real;
    break;
  case ADZE_F64:
    value.d = e->real;
    break;
  case ADZE_F16:
    value.u = scalar_to_half(e->real);
    break;
  case ADZE_BF16:
    value.u = scalar_to_bfloat(e->real);
    break;
  default:
    unreachable();
  }
  return value;
}

static enum adze_status fault(const struct machine *machine,
                              const struct instruction *i, const char *verb,
                              int64_t offset, struct adze_error *error) {
  const struct memory *memory = &machine->memories[i->immediate];
  return fail(error, ADZE_INTERNAL,
              "%s element %" PRId64 " of buffer %s, whose memory has %" PRIu64
              " elements",
              verb, offset, memory->buffer->name, memory->elements);
}

/* Lanes of loads and stores: consecutive from a's one offset, or an offset for
 * each. */
static enum adze_status load_lanes(struct machine *machine,
                                   const struct instruction *i, bool is_gather,
                                   struct adze_error *error) {
  const struct memory *memory = &machine->memories[i->immediate];
  union value *slots = machine->slots;
  enum adze_dtype dtype = memory->buffer->dtype;
  size_t bytes = value_bytes(dtype);
  uint64_t first = slots[i->a].u;
  for (uint32_t l = 0; l < i->lanes; l++) {
    if (i->c != 0 && !slots[i->c + l].u) {
      slots[i->dst + l].u = 0;
      continue;
    }
    uint64_t offset = is_gather ? slots[i->a + l].u : first + l;
    if (offset >= memory->elements)
      return fault(machine, i, "reading", (int64_t)offset, error);
    slots[i->dst + l] = value_load(dtype, memory->data + offset * bytes);
  }
  return ADZE_OK;
}

static enum adze_status store_lanes(struct machine *machine,
                                    const struct instruction *i,
                                    bool is_scatter, struct adze_error *error) {
  const struct memory *memory = &machine->memories[i->immediate];
  const union value *slots = machine->slots;
  enum adze_dtype dtype = memory->buffer->dtype;
  size_t bytes = value_bytes(dtype);
  for (uint32_t l = 0; l < i->lanes; l++) {
    uint64_t offset = is_scatter ? slots[i->a + l].u : slots[i->a].u + l;
    if (offset >= memory->elements)
      return fault(machine, i, "writing", (int64_t)offset, error);
    value_store(dtype, memory->data + offset * bytes, slots[i->b + l]);
  }
  return ADZE_OK;
}

static enum adze_status load_other(struct machine *machine,
                                   const struct instruction *i,
                                   struct adze_error *error) {
  const struct memory *memory = &machine->memories[i->immediate];
  uint64_t offset = machine->slots[i->a].u;
  if (offset >= memory->elements)
    return fault(machine, i, "reading", (int64_t)offset, error);
  enum adze_dtype dtype = memory->buffer->dtype;
  machine->slots[i->dst] =
      value_load(dtype, memory->data + offset * value_bytes(dtype));
  return ADZE_OK;
}

static enum adze_status store_other(struct machine *machine,
                                    const struct instruction *i,
                                    struct adze_error *error) {
  const struct memory *memory = &machine->memories[i->immediate];
  uint64_t offset = machine->slots[i->a].u;
  if (offset >= memory->elements)
    return fault(machine, i, "writing", (int64_t)offset, error);
  enum adze_dtype dtype = memory->buffer->dtype;
  value_store(dtype, memory->data + offset * value_bytes(dtype),
              machine->slots[i->b]);
  return ADZE_OK;
}

/* ---- Vectors ------------------------------------------------------------ */

static void ramp(union value *slots, const struct instruction *i) {
  for (uint32_t l = 0; l < i->lanes; l++) {
    uint64_t lane = slots[i->a].u + l * slots[i->b].u;
    slots[i->dst + l].i =
        scalar_wrap((enum adze_dtype)i->immediate, (int64_t)lane);
  }
}

static void broadcast(union value *slots, const struct instruction *i) {
  for (uint32_t l = 0; l < i->lanes; l++)
    slots[i->dst + l] = slots[i->a];
}

static uint64_t any_lane(const union value *slots,
                         const struct instruction *i) {
  uint64_t any = 0;
  for (uint32_t l = 0; l < i->lanes; l++)
    any |= slots[i->a + l].u;
  return any;
}

/* ---- The loop ----------------------------------------------------------- */

/* One case per lane-wise operation; operands that the expression does not name
 * cost nothing. */
#define UNUSED_OPERANDS (void)a, (void)b, (void)c, (void)immediate
#define OP(name, member, expression)                                           \
  case OP_##name: {                                                            \
    const union value a = slots[i->a], b = slots[i->b], c = slots[i->c];       \
    const int32_t immediate = i->immediate;                                    \
    UNUSED_OPERANDS;                                                           \
    slots[i->dst].member = (expression);                                       \
    break;                                                                     \
  }

/* The commonest accesses, without a call. */
#define LOAD_CASE(bits, member)                                                \
  case OP_LOAD_##bits: {                                                       \
    const struct memory *memory = &memories[i->immediate];                     \
    uint64_t offset = slots[i->a].u;                                           \
    if (offset >= memory->elements)                                            \
      return fault(machine, i, "reading", (int64_t)offset, error);             \
    memcpy(&slots[i->dst].member, memory->data + offset * (bits / 8),          \
           bits / 8);                                                          \
    break;                                                                     \
  }
#define STORE_CASE(bits, member)                                               \
  case OP_STORE_##bits: {                                                      \
    const struct memory *memory = &memories[i->immediate];                     \
    uint64_t offset = slots[i->a].u;                                           \
    if (offset >= memory->elements)                                            \
      return fault(machine, i, "writing", (int64_t)offset, error);             \
    memcpy(memory->data + offset * (bits / 8), &slots[i->b].member, bits / 8); \
    break;                                                                     \
  }

static void run_vector(union value *slots, const struct instruction *i);

enum adze_status machine_run(struct machine *machine, bool *at_end,
                             struct adze_error *error) {
  union value *slots = machine->slots;
  const struct memory *memories = machine->memories;
  const struct instruction *i = machine->program->code + machine->position;
  for (;; i++) {
    switch (i->opcode) {
#include "ir/interpret_ops.def"
    case OP_BROADCAST:
      broadcast(slots, i);
      break;
    case OP_RAMP:
      ramp(slots, i);
      break;
    case OP_ANY:
      slots[i->dst].u = any_lane(slots, i);
      break;
      LOAD_CASE(32, w)
      LOAD_CASE(64, u)
      STORE_CASE(32, w)
      STORE_CASE(64, u)
    case OP_LOAD_OTHER:
      TRY(load_other(machine, i, error));
      break;
    case OP_STORE_OTHER:
      TRY(store_other(machine, i, error));
      break;
    case OP_LOAD_LANES:
      TRY(load_lanes(machine, i, false, error));
      break;
    case OP_GATHER:
      TRY(load_lanes(machine, i, true, error));
      break;
    case OP_STORE_LANES:
      TRY(store_lanes(machine, i, false, error));
      break;
    case OP_SCATTER:
      TRY(store_lanes(machine, i, true, error));
      break;
    case OP_CHECK:
      if (!slots[i->a].u)
        return fail(error, ADZE_INTERNAL,
                    "an index of buffer %s lies outside its shape",
                    memories[i->immediate].buffer->name);
      break;
    case OP_CALL:
      TRY(machine->call(machine->context, (size_t)i->immediate, slots + i->a,
                        i->lanes, &slots[i->dst], error));
      break;
    case OP_LOOP:
      slots[i->dst] = slots[i->a];
      slots[i->dst + 1] = slots[i->b];
      if (slots[i->b].i <= 0)
        i += i->immediate - 1;
      break;
    case OP_NEXT:
      if (--slots[i->dst + 1].i > 0) {
        slots[i->dst].u++;
        i += i->immediate - 1;
      }
      break;
    case OP_JUMP:
      i += i->immediate - 1;
      break;
    case OP_JUMP_UNLESS:
      if (!slots[i->a].u)
        i += i->immediate - 1;
      break;
    case OP_BARRIER:
    case OP_END:
      *at_end = i->opcode == OP_END;
      machine->position = (size_t)(i + 1 - machine->program->code);
      return ADZE_OK;
    default:
      run_vector(slots, i);
      break;
    }
  }
}
#undef OP

#define OP(name, member, expression)                                           \
  case OP_VECTOR + OP_##name:                                                  \
    for (uint32_t l = 0; l < lanes; l++) {                                     \
      const union value a = slots[i->a + l], b = slots[i->b + l * has_b],      \
                        c = slots[i->c + l * has_c];                           \
      UNUSED_OPERANDS;                                                         \
      slots[i->dst + l].member = (expression);                                 \
    }                                                                          \
    break;

static void run_vector(union value *slots, const struct instruction *i) {
  const uint32_t lanes = i->lanes, has_b = i->b != 0, has_c = i->c != 0;
  const int32_t immediate = i->immediate;
  switch (i->opcode) {
#include "ir/interpret_ops.def"
  default:
    unreachable();
  }
}
#undef OP

/* ---- Starting ----------------------------------------------------------- */

void machine_init(struct machine *machine, struct arena *arena,
                  const struct program *program, const int64_t *scalars,
                  size_t scalar_count, int64_t worker, int64_t workers) {
  machine->program = program;
  machine->slots = ARENA_ARRAY(arena, union value, program->slot_count);
  machine->position = 0;
  for (size_t i = 0; i < program->constant_count; i++)
    machine->slots[program->constants[i].slot] = program->constants[i].value;
  for (size_t i = 0; i < scalar_count; i++)
    machine->slots[program->scalar_slots[i]].i = scalars[i];
  if (program->worker_slot != 0)
    machine->slots[program->worker_slot].i = worker;
  if (program->workers_slot != 0)
    machine->slots[program->workers_slot].i = workers;
}
