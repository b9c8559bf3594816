/* SPDX-License-Identifier: Apache-2.0 */
/* Stages come in kinds that cover what primitives must tell apart: elementwise
 * ones, reductions over an axis and over a sliding window with tests at the
 * edge, products of matrices. Each reads what earlier ones made. */
#include "schedule/test/random_trial.h"

#include <stdio.h>
#include <string.h>

#include "ir/interpret.h"
#include "ir/simplify.h"

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}
static int64_t pick(uint64_t *state, int64_t low, int64_t high) {
  return low + (int64_t)(next_random(state) % (uint64_t)(high - low + 1));
}

/* ---- Stages ------------------------------------------------------------- */
struct maker {
  struct trial *trial;
  uint64_t state;
  const struct expr *dims[2];
  struct buffer *matrices[TRIAL_MAX_PARAMETERS + TRIAL_MAX_STAGES];
  struct buffer *rows[TRIAL_MAX_STAGES]; /* of the first dimension alone */
  size_t matrix_count, row_count;
};

static struct buffer *add_parameter(struct trial *trial,
                                    struct buffer *buffer) {
  trial->parameters[trial->parameter_count++] = buffer;
  return buffer;
}

static const struct expr *load2(struct maker *m, struct buffer *buffer,
                                const struct expr *i, const struct expr *j) {
  const struct expr *at[2] = {i, j};
  return expr_load(m->trial->pool, buffer, at, 2);
}

static struct buffer *some_matrix(struct maker *m) {
  /* Mostly the newest, so that stages form chains. */
  size_t newest = m->matrix_count - 1;
  return m->matrices[pick(&m->state, 0, 2)
                         ? newest
                         : (size_t)pick(&m->state, 0, (int64_t)newest)];
}

static const struct expr *reduction(struct maker *m, struct stage *stage,
                                    const struct expr *extent) {
  struct expr_pool *pool = m->trial->pool;
  struct variable *v =
      variable_new(pool,
                   arena_printf(m->trial->arena, "%s.r%zu", stage->name,
                                stage->reduction_count),
                   extent);
  stage->reductions[stage->reduction_count++] = v;
  return expr_variable(pool, v);
}

static void start_reduction(struct maker *m, struct stage *stage) {
  static const enum reduce_kind kinds[] = {REDUCE_SUM, REDUCE_MAX, REDUCE_MIN,
                                           REDUCE_PRODUCT};
  stage->reduce = kinds[pick(&m->state, 0, 3)];
  stage->initial =
      expr_integer(m->trial->pool, ADZE_I32, pick(&m->state, -3, 3));
}

static const struct expr *elementwise(struct maker *m, const struct expr *i,
                                      const struct expr *j) {
  struct expr_pool *pool = m->trial->pool;
  const struct expr *a = load2(m, some_matrix(m), i, j), *b;
  if (m->row_count && pick(&m->state, 0, 1)) {
    b = expr_load(pool, m->rows[m->row_count - 1], &i, 1);
  } else {
    b = load2(m, some_matrix(m), i, j);
  }
  switch (pick(&m->state, 0, 2)) {
  case 0:
    return expr_add(pool, a, b);
  case 1:
    return expr_mul(pool, a, b);
  default:
    return expr_sub(pool, b, expr_max(pool, a, b));
  }
}

/* A window of three columns, 0 outside. */
static const struct expr *window(struct maker *m, struct stage *stage,
                                 const struct expr *i, const struct expr *j) {
  struct expr_pool *pool = m->trial->pool;
  const struct expr *r = reduction(m, stage, expr_index(pool, 3));
  const struct expr *at =
      expr_sub(pool, expr_add(pool, j, r), expr_index(pool, 1));
  const struct expr *inside =
      expr_and(pool, expr_less_equal(pool, expr_index(pool, 0), at),
               expr_less(pool, at, m->dims[1]));
  return expr_select(pool, inside, load2(m, some_matrix(m), i, at),
                     expr_integer(pool, ADZE_I32, 0));
}

static void fill_stage(struct maker *m, struct stage *stage, int64_t kind) {
  struct expr_pool *pool = m->trial->pool;
  const struct expr *i = expr_variable(pool, stage->axes[0]);
  const struct expr *j =
      stage->axis_count > 1 ? expr_variable(pool, stage->axes[1]) : NULL;
  if (kind == 0) {
    stage->body = elementwise(m, i, j);
    return;
  }
  start_reduction(m, stage);
  if (kind == 1) {
    stage->body = window(m, stage, i, j);
  } else if (kind == 2) {
    const struct expr *r = reduction(m, stage, m->dims[1]);
    stage->body = expr_mul(pool, load2(m, some_matrix(m), i, r),
                           load2(m, m->trial->parameters[1], r, j));
  } else {
    stage->body = load2(m, some_matrix(m), i, reduction(m, stage, m->dims[1]));
  }
}

static void add_stage(struct maker *m, bool is_last) {
  struct trial *trial = m->trial;
  int64_t kind = pick(&m->state, 0, is_last ? 2 : 3);
  size_t rank = kind == 3 ? 1 : 2, index = trial->stage_count;
  bool is_output = is_last || pick(&m->state, 0, 3) == 0;
  const char *name = arena_printf(trial->arena, "s%zu", index);
  struct buffer *buffer =
      buffer_new(trial->pool, name, ADZE_I32,
                 is_output ? BUFFER_ARGUMENT : BUFFER_STACK, m->dims, rank);
  struct stage *stage = ARENA_NEW(trial->arena, struct stage);
  *stage = (struct stage){.name = name, .output = buffer, .axis_count = rank};
  for (size_t d = 0; d < rank; d++)
    stage->axes[d] = variable_new(
        trial->pool, arena_printf(trial->arena, "%s.a%zu", name, d),
        m->dims[d]);
  fill_stage(m, stage, kind);
  trial->stages[trial->stage_count++] = stage;
  if (is_output)
    add_parameter(trial, buffer);
  if (rank == 1)
    m->rows[m->row_count++] = buffer;
  else
    m->matrices[m->matrix_count++] = buffer;
}

void trial_make(struct trial *trial, struct arena *arena, uint64_t seed) {
  *trial = (struct trial){.arena = arena, .pool = expr_pool_create(arena)};
  struct maker m = {.trial = trial, .state = seed * 2 + 1};
  next_random(&m.state);
  for (int d = 0; d < 2; d++) {
    trial->extents[d] = pick(&m.state, 1, 13);
    m.dims[d] = expr_index(trial->pool, trial->extents[d]);
  }
  if (pick(&m.state, 0, 3) == 0) {
    trial->symbol = variable_new(trial->pool, "M", NULL);
    trial->symbol->symbol = 0;
    trial->symbol->minimum = 1;
    m.dims[0] = expr_variable(trial->pool, trial->symbol);
  }
  const struct expr *square[2] = {m.dims[1], m.dims[1]};
  m.matrices[m.matrix_count++] =
      add_parameter(trial, buffer_new(trial->pool, "x", ADZE_I32,
                                      BUFFER_ARGUMENT, m.dims, 2));
  add_parameter(trial, buffer_new(trial->pool, "w", ADZE_I32, BUFFER_ARGUMENT,
                                  square, 2));
  trial->input_count = 2;
  int64_t count = pick(&m.state, 1, TRIAL_MAX_STAGES);
  for (int64_t i = 0; i < count; i++)
    add_stage(&m, i + 1 == count);
}

struct function *trial_expand(struct trial *trial) {
  return expand(trial->pool, "trial", trial->stages, trial->stage_count,
                trial->parameters, trial->parameter_count);
}

/* ---- Memory ------------------------------------------------------------- */
struct trial_memory trial_memory(const struct trial *trial, uint64_t seed) {
  struct trial_memory memory;
  uint64_t state = seed + 77;
  for (size_t p = 0; p < trial->parameter_count; p++) {
    const struct buffer *buffer = trial->parameters[p];
    size_t count = (size_t)trial->extents[0];
    if (buffer->rank > 1)
      count *= (size_t)trial->extents[1];
    if (p == 1) /* w is square */
      count = (size_t)(trial->extents[1] * trial->extents[1]);
    int32_t *data = ARENA_ARRAY(trial->arena, int32_t, count);
    for (size_t i = 0; i < count; i++)
      data[i] = p < trial->input_count ? (int32_t)pick(&state, -9, 9) : -1;
    memory.data[p] = data;
    memory.bytes[p] = count * sizeof *data;
  }
  return memory;
}

enum adze_status trial_run(const struct trial *trial,
                           const struct function *function,
                           struct trial_memory *memory, int64_t workers,
                           struct adze_error *error) {
  return interpret_all_workers(function, memory->data, memory->bytes,
                               &trial->extents[0], workers, error);
}

/* ---- Primitives --------------------------------------------------------- */
#define MAX_STATEMENTS 128

struct census {
  struct statement *loops[MAX_STATEMENTS], *blocks[MAX_STATEMENTS];
  size_t loop_count, block_count;
};
static void count_statement(void *context, struct statement *statement) {
  struct census *census = context;
  if (statement->kind == STATEMENT_FOR && census->loop_count < MAX_STATEMENTS)
    census->loops[census->loop_count++] = statement;
  if (statement->kind == STATEMENT_BLOCK &&
      census->block_count < MAX_STATEMENTS)
    census->blocks[census->block_count++] = statement;
}

static enum adze_status reorder(struct schedule *schedule,
                                const struct statement *block,
                                uint64_t *state) {
  struct statement *loops[MAX_STATEMENTS];
  size_t count = schedule_loops_around(schedule, block, loops, MAX_STATEMENTS);
  size_t begin = count ? (size_t)pick(state, 0, (int64_t)count - 1) : 0;
  for (size_t i = begin; i + 1 < count; i++) {
    size_t j = (size_t)pick(state, (int64_t)i, (int64_t)count - 1);
    struct statement *swapped = loops[i];
    loops[i] = loops[j];
    loops[j] = swapped;
  }
  return schedule_reorder(schedule, loops + begin, count - begin);
}

enum adze_status trial_primitive(struct schedule *schedule, uint64_t *state) {
  static const enum buffer_scope scopes[] = {BUFFER_STACK, BUFFER_WORKER,
                                             BUFFER_REGISTER};
  struct census census = {.loop_count = 0};
  struct statement *a, *b;
  statement_walk(schedule->function->body, count_statement, &census);
  struct statement *block =
      census.blocks[pick(state, 0, (int64_t)census.block_count - 1)];
  if (census.loop_count == 0)
    return schedule_compute_inline(schedule, block);
  struct statement *loop =
      census.loops[pick(state, 0, (int64_t)census.loop_count - 1)];
  struct statement *around[MAX_STATEMENTS];
  size_t depth = schedule_loops_around(schedule, block, around, MAX_STATEMENTS);
  struct statement *own =
      depth ? around[pick(state, 0, (int64_t)depth - 1)] : loop;
  enum buffer_scope scope = scopes[pick(state, 0, 2)];
  switch (pick(state, 0, 17)) {
  case 0:
  case 1:
    return schedule_split(schedule, loop, pick(state, 0, 6), &a, &b);
  case 2:
    return schedule_fuse(schedule, loop, loop->loop.body, &a);
  case 3:
    return reorder(schedule, block, state);
  case 4:
    return schedule_parallel(schedule, loop);
  case 5:
    return schedule_vectorize(schedule, loop);
  case 6:
    return schedule_unroll(schedule, loop);
  case 7:
    return schedule_partition(schedule, loop);
  case 8:
    return schedule_compute_at(schedule, block, loop);
  case 9:
    return schedule_compute_inline(schedule, block);
  case 10:
    return schedule_cache_write(schedule, block, scope, &a);
  case 11:
    return schedule_decompose_reduction(schedule, block, own, NULL);
  case 12:
    return schedule_set_scope(schedule, block, scope);
  case 14:
    return schedule_prefetch(schedule, schedule->function->parameters.data[0],
                             pick(state, 0, 40));
  case 16:
    return schedule_prefetch_range(
        schedule, schedule->function->parameters.data[0], pick(state, -1, 40),
        pick(state, 0, 4000), loop);
  case 15:
    return schedule_prefetch_next(
        schedule, schedule->function->parameters.data[0], own, loop);
  case 13:
    return schedule_pad(schedule, loop, pick(state, 0, 4), &a);
  default:
    return schedule_rfactor(schedule, block, own, &a);
  }
}
