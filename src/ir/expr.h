/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: immutable, hash-consed, so equality is pointer equality.
 *
 * The same nodes serve as symbolic dimensions, as tensor expressions (what an
 * operator computes, over axes and reduction axes) and as the right-hand sides
 * of loop IR. All nodes of a compile live in one pool (one thread at a time).
 * Makers fold constants and trivial identities at once, so `x + 0` is `x`;
 * deeper rewriting is ir/simplify.h.
 *
 * Index arithmetic is i64 throughout: axes, dimensions, offsets.
 */
#ifndef IR_EXPR_H
#define IR_EXPR_H

#include "adze/dtype.h"
#include "base/arena.h"

enum expr_kind {
#define EXPR(name, text, arguments, group) EXPR_##name,
#include "ir/expr.def"
#undef EXPR
  EXPR_KIND_COUNT
};

struct buffer;

/* A loop index, stage axis or open dimension. Identity is the pointer. */
struct variable {
  const char *name;
  uint32_t id;               /* unique in the pool */
  enum adze_dtype dtype;     /* I64 */
  int64_t minimum, maximum;  /* inclusive; INT64_MIN / INT64_MAX: unknown */
  const struct expr *extent; /* axes, loops: values are [0, extent); or NULL */
  int32_t symbol;            /* number of the open dimension, or -1 */
  int64_t hint;              /* of an open dimension: its likely size; or 0 */
};

/* Flat IR: a scalar or vector that statements set and expressions read. */
struct local {
  const char *name;
  uint32_t id; /* dense in its function */
  enum adze_dtype dtype;
  uint16_t lanes;
};

struct expr {
  enum expr_kind kind;
  enum adze_dtype dtype;
  uint16_t lanes; /* 1: scalar */
  uint16_t arg_count;
  uint32_t id; /* dense in the pool: side arrays are indexed by it */
  uint64_t hash;
  union {
    int64_t integer;
    double real;
    const struct variable *variable;
    const struct local *local;
    struct buffer *buffer;
  };
  const struct expr *args[];
};

struct expr_pool;
struct expr_pool *expr_pool_create(struct arena *arena);
struct arena *expr_pool_arena(struct expr_pool *pool);
uint32_t expr_pool_count(const struct expr_pool *pool);
/* The next number for a buffer: 0, 1, … in each pool. */
uint32_t expr_pool_buffer_id(struct expr_pool *pool);

const char *expr_kind_name(enum expr_kind kind);
/* EXPR_KIND_COUNT when there is none of that text. */
enum expr_kind expr_kind_from_name(const char *name);
bool expr_kind_is_unary(enum expr_kind kind);
bool expr_kind_is_binary(enum expr_kind kind); /* without comparisons */
bool expr_kind_is_compare(enum expr_kind kind);

/* ---- Makers ----------------------------------------------------------------
 * Arguments must have fitting dtypes and lanes (checked): lanes are equal, or
 * a scalar stands beside vectors and is broadcast; select may keep a scalar
 * condition over vectors.
 *
 * Casts between f16 or bf16 and anything but f32 are made as two, through f32:
 * that is their meaning. */
struct variable *variable_new(struct expr_pool *pool, const char *name,
                              const struct expr *extent);
const struct expr *expr_integer(struct expr_pool *pool, enum adze_dtype dtype,
                                int64_t value);
const struct expr *expr_real(struct expr_pool *pool, enum adze_dtype dtype,
                             double value); /* rounded to dtype */
const struct expr *expr_index(struct expr_pool *pool, int64_t value); /* i64 */
const struct expr *expr_bool(struct expr_pool *pool, bool value);
/* A constant of any dtype: real or integer, as dtype wants. */
const struct expr *expr_constant(struct expr_pool *pool, enum adze_dtype dtype,
                                 double value);
const struct expr *expr_variable(struct expr_pool *pool,
                                 const struct variable *variable);
const struct expr *expr_local(struct expr_pool *pool,
                              const struct local *local);
const struct expr *expr_unary(struct expr_pool *pool, enum expr_kind kind,
                              const struct expr *a);
/* Binary and compare kinds. */
const struct expr *expr_binary(struct expr_pool *pool, enum expr_kind kind,
                               const struct expr *a, const struct expr *b);
const struct expr *expr_select(struct expr_pool *pool,
                               const struct expr *condition,
                               const struct expr *yes, const struct expr *no);
const struct expr *expr_fma(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b, const struct expr *c);
const struct expr *expr_cast(struct expr_pool *pool, enum adze_dtype dtype,
                             const struct expr *a);
const struct expr *expr_bitcast(struct expr_pool *pool, enum adze_dtype dtype,
                                const struct expr *a);
/* dtype and lanes: of the buffer's element and the first index; use
 * expr_load_lanes for consecutive elements. */
const struct expr *expr_load(struct expr_pool *pool, struct buffer *buffer,
                             const struct expr *const *indices, size_t count);
const struct expr *expr_load_lanes(struct expr_pool *pool,
                                   struct buffer *buffer,
                                   const struct expr *offset, uint16_t lanes);
const struct expr *expr_ramp(struct expr_pool *pool, const struct expr *base,
                             const struct expr *stride, uint16_t lanes);
const struct expr *expr_broadcast(struct expr_pool *pool, const struct expr *a,
                                  uint16_t lanes);
/* The same kind and payload with other arguments (dtype and lanes re-derived);
 * the node itself when nothing changed. */
const struct expr *expr_with_args(struct expr_pool *pool,
                                  const struct expr *node,
                                  const struct expr *const *args);

/* Shorthand for the commonest kinds. */
const struct expr *expr_add(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_sub(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_mul(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_min(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_max(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_and(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b);
const struct expr *expr_floor_div(struct expr_pool *pool, const struct expr *a,
                                  const struct expr *b);
const struct expr *expr_floor_mod(struct expr_pool *pool, const struct expr *a,
                                  const struct expr *b);
const struct expr *expr_ceil_div(struct expr_pool *pool, const struct expr *a,
                                 const struct expr *b);
const struct expr *expr_less(struct expr_pool *pool, const struct expr *a,
                             const struct expr *b);
const struct expr *expr_less_equal(struct expr_pool *pool, const struct expr *a,
                                   const struct expr *b);
const struct expr *expr_equal(struct expr_pool *pool, const struct expr *a,
                              const struct expr *b);

/* ---- Questions ----------------------------------------------------------- */
static inline bool expr_is_integer(const struct expr *e) {
  return e->kind == EXPR_INTEGER;
}
/* Whether e is an integer or real constant of this value. */
bool expr_is_value(const struct expr *e, int64_t value);
/* Whether e is an integer constant; *out gets it. */
bool expr_get_integer(const struct expr *e, int64_t *out);
bool dtype_is_float(enum adze_dtype dtype);   /* f16, bf16, f32, f64 */
bool dtype_is_integer(enum adze_dtype dtype); /* without bool */
bool dtype_is_signed(enum adze_dtype dtype);

/* ---- Walking and rewriting --------------------------------------------------
 * expr_map: rewrites bottom-up, each distinct node once: `visit` gets a node
 * whose arguments were rewritten already and returns it or a replacement. */
const struct expr *
expr_map(struct expr_pool *pool, const struct expr *e,
         const struct expr *(*visit)(void *context, const struct expr *node),
         void *context);
/* Calls visit on every distinct node, arguments first. */
void expr_walk(struct expr_pool *pool, const struct expr *e,
               void (*visit)(void *context, const struct expr *node),
               void *context);
struct substitution {
  const struct variable *variable;
  const struct expr *value;
};
const struct expr *expr_substitute(struct expr_pool *pool, const struct expr *e,
                                   const struct substitution *substitutions,
                                   size_t count);
bool expr_uses_variable(struct expr_pool *pool, const struct expr *e,
                        const struct variable *variable);
bool expr_uses_buffer(struct expr_pool *pool, const struct expr *e,
                      const struct buffer *buffer);

#endif
