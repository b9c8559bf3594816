/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a structured function and a trace for it, parted by a line
 * "----": a refusal, or another function that the verifier accepts. What was
 * applied is a trace again, which applies to the function as it was and makes
 * the same of it. */
#include <string.h>

#include "base/map.h"
#include "ir/loop_text.h"
#include "schedule/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONGEST_TRACE 400 /* bytes: splits multiply what is printed */

struct input {
  struct arena *arena;
  const char *data;
  size_t size;
};

static const char *find_trace(const struct input *input) {
  static const char mark[] = "\n----\n";
  for (size_t i = 0; i + sizeof mark - 1 <= input->size; i++)
    if (!memcmp(input->data + i, mark, sizeof mark - 1))
      return input->data + i;
  return NULL;
}

/* Schedules start from what expand makes: serial loops around one block of
 * each stage. */
struct plainness {
  struct map stages; /* seen ones, by address */
  bool is_plain;
};
static void check_plain(void *context, struct statement *statement) {
  struct plainness *plainness = context;
  if (statement->kind == STATEMENT_FOR && statement->loop.kind == LOOP_SERIAL)
    return;
  if (statement->kind != STATEMENT_BLOCK || statement->block.predicate ||
      statement->block.part != BLOCK_WHOLE) {
    plainness->is_plain = false;
    return;
  }
  uintptr_t key = (uintptr_t)statement->block.stage;
  if (map_get_key(&plainness->stages, key))
    plainness->is_plain = false;
  map_set_key(&plainness->stages, key, statement);
}

static struct function *parse(const struct input *input, const char *end) {
  struct expr_pool *pool = expr_pool_create(input->arena);
  struct adze_error error;
  struct function *function;
  if (function_parse(pool, input->data, (size_t)(end - input->data), &function,
                     &error) != ADZE_OK ||
      function->is_flat || verify_structured(function, &error) != ADZE_OK)
    return NULL;
  struct plainness plainness = {.is_plain = true};
  map_init(&plainness.stages, input->arena);
  statement_walk(function->body, check_plain, &plainness);
  return plainness.is_plain ? function : NULL;
}

static const char *printed(const struct input *input,
                           const struct function *function) {
  struct text text = {.arena = input->arena};
  function_print(&text, function);
  return text_string(&text);
}

static enum adze_status try_trace(void *argument) {
  const struct input *input = argument;
  struct adze_error error;
  const char *end = find_trace(input);
  struct function *function = end ? parse(input, end) : NULL;
  if (!function)
    return ADZE_OK;
  const char *trace = end + 6;
  size_t bytes = (size_t)(input->data + input->size - trace);
  struct schedule schedule, again;
  schedule_init(&schedule, function, NULL, &error);
  enum adze_status status = schedule_replay(
      &schedule, trace, bytes < LONGEST_TRACE ? bytes : LONGEST_TRACE);
  check(status == ADZE_OK || status == ADZE_INVALID_ARGUMENT);
  check(verify_structured(function, &error) == ADZE_OK);
  struct function *fresh = parse(input, end);
  schedule_init(&again, fresh, NULL, &error);
  status = schedule_replay(&again, text_string(&schedule.trace),
                           schedule.trace.size);
  check(status == ADZE_OK);
  check(!strcmp(printed(input, function), printed(input, fresh)));
  return ADZE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct adze_error error;
  struct input input = {arena_create("fuzz"), (const char *)data, size};
  if (input.arena == NULL)
    return 0;
  /* Running out of memory is a fair answer to a huge input. */
  enum adze_status ignored = guard_run(try_trace, &input, &error);
  (void)ignored;
  arena_destroy(input.arena);
  return 0;
}
