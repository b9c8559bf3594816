/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of expressions: hash-consing, leaves, names and simple questions.
 *
 * The table is open-addressed and holds hashes beside the nodes, so a lookup
 * touches no node but the right one. Hashes are made from ids, never from
 * addresses: what is derived from a pool is then the same in each run. The
 * makers are in expr_make.c, walks in expr_walk.c.
 */
#include "ir/expr.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "ir/expr_pool.h"
#include "ir/scalar.h"

/* ---- Names --------------------------------------------------------------- */

enum expr_group {
  GROUP_leaf,
  GROUP_unary,
  GROUP_binary,
  GROUP_compare,
  GROUP_ternary,
  GROUP_memory,
  GROUP_vector,
};

static const struct {
  const char *name;
  enum expr_group group;
} kinds[] = {
#define EXPR(name, text, arguments, group)                                     \
  [EXPR_##name] = {text, GROUP_##group},
#include "ir/expr.def"
#undef EXPR
};

const char *expr_kind_name(enum expr_kind kind) {
  check((unsigned)kind < EXPR_KIND_COUNT);
  return kinds[kind].name;
}

enum expr_kind expr_kind_from_name(const char *name) {
  for (int kind = 0; kind < EXPR_KIND_COUNT; kind++)
    if (strcmp(kinds[kind].name, name) == 0)
      return (enum expr_kind)kind;
  return EXPR_KIND_COUNT;
}

bool expr_kind_is_unary(enum expr_kind kind) {
  return kinds[kind].group == GROUP_unary;
}

bool expr_kind_is_binary(enum expr_kind kind) {
  return kinds[kind].group == GROUP_binary;
}

bool expr_kind_is_compare(enum expr_kind kind) {
  return kinds[kind].group == GROUP_compare;
}

bool dtype_is_float(enum adze_dtype dtype) {
  return dtype == ADZE_F32 || dtype == ADZE_F64 || dtype == ADZE_F16 ||
         dtype == ADZE_BF16;
}

bool dtype_is_signed(enum adze_dtype dtype) {
  return dtype == ADZE_I8 || dtype == ADZE_I16 || dtype == ADZE_I32 ||
         dtype == ADZE_I64;
}

bool dtype_is_integer(enum adze_dtype dtype) {
  return dtype_is_signed(dtype) || dtype == ADZE_U8 || dtype == ADZE_U16 ||
         dtype == ADZE_U32 || dtype == ADZE_U64;
}

/* ---- Pool ---------------------------------------------------------------- */

struct expr_pool *expr_pool_create(struct arena *arena) {
  struct expr_pool *pool = ARENA_NEW(arena, struct expr_pool);
  pool->arena = arena;
  pool->slot_count = 1024;
  pool->slots = ARENA_ARRAY(arena, struct expr_slot, pool->slot_count);
  return pool;
}

struct arena *expr_pool_arena(struct expr_pool *pool) {
  return pool->arena;
}

uint32_t expr_pool_count(const struct expr_pool *pool) {
  return pool->node_count;
}

uint32_t expr_pool_buffer_id(struct expr_pool *pool) {
  return pool->buffer_count++;
}

/* What identifies a leaf or load beyond kind, dtype, lanes and arguments. */
static uint64_t payload_hash(const struct expr *key) {
  switch ((int)key->kind) {
  case EXPR_INTEGER:
  case EXPR_REAL: /* as bits, so that -0 and +0 differ */
    return (uint64_t)key->integer;
  case EXPR_VARIABLE:
    return key->variable->id;
  case EXPR_LOCAL:
    return key->local->id;
  case EXPR_LOAD:
    return key->buffer->id;
  default:
    return 0;
  }
}

static uint64_t node_hash(const struct expr *key,
                          const struct expr *const *args) {
  uint64_t shape =
      (uint64_t)key->kind << 32 | (uint64_t)key->dtype << 16 | key->lanes;
  uint64_t hash = hash_mix(shape, payload_hash(key));
  for (size_t i = 0; i < key->arg_count; i++)
    hash = hash_mix(hash, args[i]->id);
  return hash;
}

static bool node_is(const struct expr *node, const struct expr *key,
                    const struct expr *const *args) {
  if (node->kind != key->kind || node->dtype != key->dtype ||
      node->lanes != key->lanes || node->arg_count != key->arg_count ||
      node->integer != key->integer)
    return false;
  for (size_t i = 0; i < key->arg_count; i++)
    if (node->args[i] != args[i])
      return false;
  return true;
}

static void grow_slots(struct expr_pool *pool) {
  size_t count = pool->slot_count * 2;
  struct expr_slot *slots = ARENA_ARRAY(pool->arena, struct expr_slot, count);
  for (size_t i = 0; i < pool->slot_count; i++) {
    if (!pool->slots[i].node)
      continue;
    size_t at = pool->slots[i].hash & (count - 1);
    while (slots[at].node)
      at = (at + 1) & (count - 1);
    slots[at] = pool->slots[i];
  }
  pool->slots = slots;
  pool->slot_count = count;
}

const struct expr *expr_intern(struct expr_pool *pool, const struct expr *key,
                               const struct expr *const *args) {
  static_assert(sizeof(void *) <= sizeof(int64_t), "payloads compare as one");
  uint64_t hash = node_hash(key, args);
  size_t mask = pool->slot_count - 1, at = hash & mask;
  for (; pool->slots[at].node; at = (at + 1) & mask)
    if (pool->slots[at].hash == hash &&
        node_is(pool->slots[at].node, key, args))
      return pool->slots[at].node;
  check(pool->node_count < UINT32_MAX);
  size_t args_bytes = key->arg_count * sizeof(const struct expr *);
  struct expr *node = arena_alloc(pool->arena, sizeof *node + args_bytes);
  *node = *key;
  node->id = pool->node_count++;
  node->hash = hash;
  if (args_bytes)
    memcpy(node->args, args, args_bytes);
  pool->slots[at] = (struct expr_slot){hash, node};
  if ((size_t)pool->node_count * 4 > pool->slot_count * 3)
    grow_slots(pool);
  return node;
}

/* ---- Leaves -------------------------------------------------------------- */

struct variable *variable_new(struct expr_pool *pool, const char *name,
                              const struct expr *extent) {
  struct variable *variable = ARENA_NEW(pool->arena, struct variable);
  *variable = (struct variable){
      .name = arena_strdup(pool->arena, name),
      .id = pool->variable_count++,
      .dtype = ADZE_I64,
      .minimum = extent ? 0 : INT64_MIN,
      .maximum = INT64_MAX,
      .extent = extent,
      .symbol = -1,
  };
  int64_t count;
  if (extent && expr_get_integer(extent, &count))
    variable->maximum = count - 1;
  return variable;
}

const struct expr *expr_integer(struct expr_pool *pool, enum adze_dtype dtype,
                                int64_t value) {
  check(!dtype_is_float(dtype));
  return expr_intern(pool,
                     &(struct expr){.kind = EXPR_INTEGER,
                                    .dtype = dtype,
                                    .lanes = 1,
                                    .integer = scalar_wrap(dtype, value)},
                     NULL);
}

const struct expr *expr_real(struct expr_pool *pool, enum adze_dtype dtype,
                             double value) {
  /* One NaN for all, or NaN constants would not be equal to themselves. */
  double rounded = isnan(value) ? (double)NAN : scalar_round(dtype, value);
  return expr_intern(
      pool,
      &(struct expr){
          .kind = EXPR_REAL, .dtype = dtype, .lanes = 1, .real = rounded},
      NULL);
}

const struct expr *expr_index(struct expr_pool *pool, int64_t value) {
  return expr_integer(pool, ADZE_I64, value);
}

const struct expr *expr_bool(struct expr_pool *pool, bool value) {
  return expr_integer(pool, ADZE_BOOL, value);
}

const struct expr *expr_constant(struct expr_pool *pool, enum adze_dtype dtype,
                                 double value) {
  if (dtype_is_float(dtype))
    return expr_real(pool, dtype, value);
  return expr_integer(
      pool, dtype,
      scalar_cast(dtype, ADZE_F64, (union scalar){.real = value}).integer);
}

const struct expr *expr_variable(struct expr_pool *pool,
                                 const struct variable *variable) {
  return expr_intern(pool,
                     &(struct expr){.kind = EXPR_VARIABLE,
                                    .dtype = variable->dtype,
                                    .lanes = 1,
                                    .variable = variable},
                     NULL);
}

const struct expr *expr_local(struct expr_pool *pool,
                              const struct local *local) {
  return expr_intern(pool,
                     &(struct expr){.kind = EXPR_LOCAL,
                                    .dtype = local->dtype,
                                    .lanes = local->lanes,
                                    .local = local},
                     NULL);
}

/* ---- Questions ----------------------------------------------------------- */

bool expr_is_value(const struct expr *e, int64_t value) {
  return (e->kind == EXPR_INTEGER && e->integer == value) ||
         (e->kind == EXPR_REAL && e->real == (double)value);
}

bool expr_get_integer(const struct expr *e, int64_t *out) {
  if (e->kind != EXPR_INTEGER)
    return false;
  *out = e->integer;
  return true;
}
