/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for memory early: by distance, for the next round of a loop, or for a
 * range meanwhile. */
#include "ir/scalar.h"
#include "ir/simplify.h"
#include "schedule/tree.h"

#define MOST_LINES 32 /* asked for in one round; the others are left out */
#define RANGE_MOST ((int64_t)1 << 40)

enum adze_status schedule_prefetch(struct schedule *schedule,
                                   struct buffer *parameter, int64_t elements) {
  if (elements < 1 || elements > BUFFER_PREFETCH_MAX)
    return tree_refuse(schedule, "prefetch: %lld elements are not possible",
                       (long long)elements);
  if (parameter->scope != BUFFER_ARGUMENT)
    return tree_refuse(schedule, "prefetch: %s is not a parameter",
                       parameter->name);
  parameter->prefetch = elements;
  tree_trace(schedule, "prefetch %s %lld", parameter->name,
             (long long)elements);
  return ADZE_OK;
}

/* ---- The next round ------------------------------------------------------ */
struct read {
  struct schedule *schedule;
  struct buffer *parameter;
  struct statement *block;
  const struct expr *load; /* in the block's stage */
};
static void find_load(void *context, const struct expr *node) {
  struct read *read = context;
  if (node->kind == EXPR_LOAD && node->buffer == read->parameter)
    read->load = node;
}
static void find_read(void *context, struct statement *block) {
  struct read *read = context;
  if (read->load)
    return;
  expr_walk(read->schedule->pool, block->block.stage->body, find_load, read);
  read->block = block;
}

/* Where the next round of loops[0] starts to read, and how many elements after
 * where this one does: 0 where all rounds read the same. Behind the last loop's
 * last round lies what is not the parameter's. False where it isn't known. */
static bool next_round(const struct read *read, struct statement *const *loops,
                       size_t count, const struct expr **next,
                       int64_t *elements) {
  struct expr_pool *pool = read->schedule->pool;
  struct substitution start[LOOP_MAX_RANK * 4];
  struct variable *outer = loops[0]->loop.variable;
  for (size_t i = 1; i < count; i++)
    start[i - 1] =
        (struct substitution){loops[i]->loop.variable, expr_index(pool, 0)};
  const struct expr *offset =
      block_bind(pool, read->block,
                 buffer_element(pool, read->parameter, read->load->args));
  const struct expr *now = expr_substitute(pool, offset, start, count - 1);
  if (expr_is_value(loops[0]->loop.extent, 1)) {
    *next = expr_add(pool, now, read->parameter->size);
  } else {
    struct substitution step = {
        outer, expr_add(pool, expr_variable(pool, outer), expr_index(pool, 1))};
    *next = expr_substitute(pool, now, &step, 1);
  }
  return expr_get_integer(simplify(pool, expr_sub(pool, *next, now)),
                          elements) &&
         *elements >= 0;
}

/* The loops from below `outer` to `inner`: how many rounds they have, and which
 * one it is. One of open extent, or of more rounds than there is to ask for,
 * doesn't count: each of its rounds asks for the same. */
static int64_t count_rounds(struct expr_pool *pool,
                            struct statement *const *loops, size_t count,
                            int64_t most, const struct expr **round) {
  int64_t rounds = 1, extent;
  *round = expr_index(pool, 0);
  for (size_t i = count; i-- > 0;) {
    if (!expr_get_integer(loops[i]->loop.extent, &extent) || extent < 1 ||
        __builtin_mul_overflow(rounds, extent, &extent) || extent > most)
      continue;
    *round =
        expr_add(pool, *round,
                 expr_mul(pool, expr_variable(pool, loops[i]->loop.variable),
                          expr_index(pool, rounds)));
    rounds = extent;
  }
  return rounds;
}

/* A share of `elements` from `first` on, in each round of the last loop. */
static void ask(struct expr_pool *pool, struct buffer *parameter,
                const struct expr *first, int64_t elements,
                struct statement *const *loops, size_t count) {
  struct statement *inner = loops[count - 1], *list = NULL;
  const struct expr *round;
  int64_t line = 512 / dtype_bits(parameter->dtype);
  int64_t share =
      ceil_div(elements, count_rounds(pool, loops, count, elements, &round));
  int64_t lines = ceil_div(share, line);
  if (lines > MOST_LINES)
    lines = MOST_LINES;
  round = expr_mul(pool, round, expr_index(pool, share));
  first = expr_add(pool, first, round);
  for (int64_t i = 0; i < lines; i++) {
    struct statement *prefetch = statement_new(pool, STATEMENT_PREFETCH);
    prefetch->prefetch.buffer = parameter;
    prefetch->prefetch.offset =
        simplify(pool, expr_add(pool, first, expr_index(pool, i * line)));
    list = statement_append(list, prefetch);
  }
  inner->loop.body = statement_append(list, inner->loop.body);
}

static size_t position_of(struct statement *const *loops,
                          const struct statement *loop) {
  size_t at = 0;
  while (loops[at] != loop)
    at++;
  return at;
}

enum adze_status schedule_prefetch_next(struct schedule *schedule,
                                        struct buffer *parameter,
                                        struct statement *outer,
                                        struct statement *inner) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  struct read read = {.schedule = schedule, .parameter = parameter};
  tree_blocks(inner->loop.body, find_read, &read);
  if (outer == inner || !tree_contains(outer, inner) || !read.load ||
      parameter->scope != BUFFER_ARGUMENT)
    return tree_refuse(schedule,
                       "prefetch_next: in %s, below %s, nothing reads the "
                       "parameter %s",
                       inner->loop.variable->name, outer->loop.variable->name,
                       parameter->name);
  size_t count =
      schedule_loops_around(schedule, read.block, loops, ARRAY_COUNT(loops));
  size_t first = position_of(loops, outer), last = position_of(loops, inner);
  /* The next round of a loop with one is in that of the loop around it. */
  while (first > 0 && expr_is_value(loops[first]->loop.extent, 1))
    first--;
  const struct expr *next;
  int64_t elements;
  /* Where it isn't known what follows, nothing is asked for. */
  if (next_round(&read, &loops[first], count - first, &next, &elements))
    ask(schedule->pool, parameter, next, elements, &loops[first + 1],
        last - first);
  tree_trace(schedule, "prefetch_next %s %s %s", parameter->name,
             outer->loop.variable->name, inner->loop.variable->name);
  return ADZE_OK;
}

/* ---- A range ------------------------------------------------------------- */
enum adze_status schedule_prefetch_range(struct schedule *schedule,
                                         struct buffer *parameter,
                                         int64_t begin, int64_t elements,
                                         struct statement *inner) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  struct expr_pool *pool = schedule->pool;
  if (parameter->scope != BUFFER_ARGUMENT || elements < 1 || begin < 0 ||
      elements > RANGE_MOST || begin > RANGE_MOST)
    return tree_refuse(schedule,
                       "prefetch_range: %lld elements from %lld of %s are not "
                       "possible",
                       (long long)elements, (long long)begin, parameter->name);
  size_t count =
      schedule_loops_around(schedule, inner, loops, ARRAY_COUNT(loops));
  check(count < ARRAY_COUNT(loops));
  loops[count++] = inner;
  ask(pool, parameter, expr_index(pool, begin), elements, loops, count);
  tree_trace(schedule, "prefetch_range %s %lld %lld %s", parameter->name,
             (long long)begin, (long long)elements, inner->loop.variable->name);
  return ADZE_OK;
}
