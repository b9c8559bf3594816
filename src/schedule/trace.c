/* SPDX-License-Identifier: Apache-2.0 */
/* Replaying a trace: one table of primitives, each with its words. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "schedule/tree.h"

#define TRACE_MAX_WORDS 32

struct words {
  struct schedule *schedule;
  size_t count;
  char *word[TRACE_MAX_WORDS]; /* word[0] is the primitive */
};

static enum adze_status word_loop(struct words *words, size_t index,
                                  struct statement **out) {
  *out = schedule_loop(words->schedule, words->word[index]);
  if (!*out)
    return tree_refuse(words->schedule, "%s: there is no loop '%s'",
                       words->word[0], words->word[index]);
  return ADZE_OK;
}
static enum adze_status word_block(struct words *words, size_t index,
                                   struct statement **out) {
  *out = schedule_block(words->schedule, words->word[index], BLOCK_WHOLE);
  if (!*out)
    return tree_refuse(words->schedule, "%s: there is no block '%s'",
                       words->word[0], words->word[index]);
  return ADZE_OK;
}
static enum adze_status word_scope(struct words *words, size_t index,
                                   enum buffer_scope *out) {
  const char *word = words->word[index];
  if (!strcmp(word, "register"))
    *out = BUFFER_REGISTER;
  else if (!strcmp(word, "worker"))
    *out = BUFFER_WORKER;
  else if (!strcmp(word, "stack"))
    *out = BUFFER_STACK;
  else
    return tree_refuse(words->schedule,
                       "%s: expected register, worker or stack, found '%s'",
                       words->word[0], word);
  return ADZE_OK;
}

static enum adze_status word_number(struct words *words, size_t index,
                                    int64_t *out) {
  if (!string_to_int64(words->word[index], out))
    return tree_refuse(words->schedule, "%s: '%s' is not a number",
                       words->word[0], words->word[index]);
  return ADZE_OK;
}

static enum adze_status replay_split(struct words *words) {
  struct statement *loop, *outer, *inner;
  int64_t factor;
  TRY(word_loop(words, 1, &loop));
  TRY(word_number(words, 2, &factor));
  return schedule_split(words->schedule, loop, factor, &outer, &inner);
}
static enum adze_status replay_pad(struct words *words) {
  struct statement *loop, *padded;
  int64_t before;
  TRY(word_loop(words, 1, &loop));
  TRY(word_number(words, 2, &before));
  return schedule_pad(words->schedule, loop, before, &padded);
}
static enum adze_status replay_fuse(struct words *words) {
  struct statement *outer, *inner, *fused;
  TRY(word_loop(words, 1, &outer));
  TRY(word_loop(words, 2, &inner));
  return schedule_fuse(words->schedule, outer, inner, &fused);
}
static enum adze_status replay_reorder(struct words *words) {
  struct statement *loops[TRACE_MAX_WORDS];
  for (size_t i = 1; i < words->count; i++)
    TRY(word_loop(words, i, &loops[i - 1]));
  return schedule_reorder(words->schedule, loops, words->count - 1);
}
#define REPLAY_LOOP(name)                                                      \
  static enum adze_status replay_##name(struct words *words) {                 \
    struct statement *loop;                                                    \
    TRY(word_loop(words, 1, &loop));                                           \
    return schedule_##name(words->schedule, loop);                             \
  }
REPLAY_LOOP(parallel)
REPLAY_LOOP(vectorize)
REPLAY_LOOP(unroll)
REPLAY_LOOP(partition)
static enum adze_status replay_compute_at(struct words *words) {
  struct statement *block, *loop;
  TRY(word_block(words, 1, &block));
  TRY(word_loop(words, 2, &loop));
  return schedule_compute_at(words->schedule, block, loop);
}
static enum adze_status replay_compute_inline(struct words *words) {
  struct statement *block;
  TRY(word_block(words, 1, &block));
  return schedule_compute_inline(words->schedule, block);
}
static enum adze_status replay_cache_write(struct words *words) {
  struct statement *block, *copy;
  enum buffer_scope scope;
  TRY(word_block(words, 1, &block));
  TRY(word_scope(words, 2, &scope));
  return schedule_cache_write(words->schedule, block, scope, &copy);
}
static enum adze_status replay_set_scope(struct words *words) {
  struct statement *block;
  enum buffer_scope scope;
  TRY(word_block(words, 1, &block));
  TRY(word_scope(words, 2, &scope));
  return schedule_set_scope(words->schedule, block, scope);
}
static enum adze_status replay_decompose_reduction(struct words *words) {
  struct statement *block, *loop;
  TRY(word_block(words, 1, &block));
  TRY(word_loop(words, 2, &loop));
  return schedule_decompose_reduction(words->schedule, block, loop, NULL);
}
static enum adze_status replay_rfactor(struct words *words) {
  struct statement *block, *loop;
  TRY(word_block(words, 1, &block));
  TRY(word_loop(words, 2, &loop));
  return schedule_rfactor(words->schedule, block, loop, NULL);
}

static enum adze_status word_parameter(struct words *words, size_t index,
                                       struct buffer **out) {
  const struct function *function = words->schedule->function;
  for (size_t i = 0; i < function->parameters.count; i++)
    if (string_equal(function->parameters.data[i]->name, words->word[index])) {
      *out = function->parameters.data[i];
      return ADZE_OK;
    }
  return tree_refuse(words->schedule, "%s: there is no parameter '%s'",
                     words->word[0], words->word[index]);
}

static enum adze_status replay_prefetch(struct words *words) {
  struct buffer *parameter;
  int64_t elements;
  TRY(word_parameter(words, 1, &parameter));
  TRY(word_number(words, 2, &elements));
  return schedule_prefetch(words->schedule, parameter, elements);
}
static enum adze_status replay_prefetch_next(struct words *words) {
  struct buffer *parameter;
  struct statement *outer, *inner;
  TRY(word_parameter(words, 1, &parameter));
  TRY(word_loop(words, 2, &outer));
  TRY(word_loop(words, 3, &inner));
  return schedule_prefetch_next(words->schedule, parameter, outer, inner);
}
static enum adze_status replay_prefetch_range(struct words *words) {
  struct buffer *parameter;
  int64_t begin, elements;
  struct statement *inner;
  TRY(word_parameter(words, 1, &parameter));
  TRY(word_number(words, 2, &begin));
  TRY(word_number(words, 3, &elements));
  TRY(word_loop(words, 4, &inner));
  return schedule_prefetch_range(words->schedule, parameter, begin, elements,
                                 inner);
}

static const struct {
  const char *name;
  size_t min_words, max_words; /* after the primitive's */
  enum adze_status (*replay)(struct words *words);
} replay_table[] = {
    {"split", 2, 2, replay_split},
    {"pad", 2, 2, replay_pad},
    {"fuse", 2, 2, replay_fuse},
    {"reorder", 1, TRACE_MAX_WORDS - 1, replay_reorder},
    {"parallel", 1, 1, replay_parallel},
    {"vectorize", 1, 1, replay_vectorize},
    {"unroll", 1, 1, replay_unroll},
    {"partition", 1, 1, replay_partition},
    {"compute_at", 2, 2, replay_compute_at},
    {"compute_inline", 1, 1, replay_compute_inline},
    {"cache_write", 2, 2, replay_cache_write},
    {"set_scope", 2, 2, replay_set_scope},
    {"decompose_reduction", 2, 2, replay_decompose_reduction},
    {"rfactor", 2, 2, replay_rfactor},
    {"prefetch", 2, 2, replay_prefetch},
    {"prefetch_next", 3, 3, replay_prefetch_next},
    {"prefetch_range", 4, 4, replay_prefetch_range},
};

static enum adze_status replay_line(struct schedule *schedule, char *line) {
  struct words words = {.schedule = schedule};
  char *rest = line, *word;
  while ((word = strtok_r(rest, " \t\r", &rest))) {
    if (words.count == TRACE_MAX_WORDS)
      return tree_refuse(schedule, "too many words");
    words.word[words.count++] = word;
  }
  if (words.count == 0)
    return ADZE_OK;
  for (size_t i = 0; i < ARRAY_COUNT(replay_table); i++) {
    if (strcmp(words.word[0], replay_table[i].name))
      continue;
    if (words.count - 1 < replay_table[i].min_words ||
        words.count - 1 > replay_table[i].max_words)
      return tree_refuse(schedule, "%s: wrong number of words",
                         words.word[0]);
    return replay_table[i].replay(&words);
  }
  return tree_refuse(schedule, "unknown primitive '%s'", words.word[0]);
}

enum adze_status schedule_replay(struct schedule *schedule, const char *trace,
                                 size_t bytes) {
  struct arena *arena = expr_pool_arena(schedule->pool);
  const char *end = trace + bytes;
  for (int number = 1; trace < end; number++) {
    const char *newline = memchr(trace, '\n', (size_t)(end - trace));
    size_t length = (size_t)((newline ? newline : end) - trace);
    char *line = arena_strndup(arena, trace, length);
    enum adze_status status = replay_line(schedule, line);
    if (status != ADZE_OK) {
      char prefix[48];
      snprintf(prefix, sizeof prefix, "trace line %d", number);
      return schedule->error ? fail_prefix(schedule->error, prefix) : status;
    }
    trace += length + 1;
  }
  return ADZE_OK;
}
