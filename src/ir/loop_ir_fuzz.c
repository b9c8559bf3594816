/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as loop IR text: an error or a function. What parses must print as
 * text that parses and prints the same, and both verifiers must survive it. */
#include <string.h>

#include "ir/loop_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  struct arena *arena;
  const char *data;
  size_t size;
};

static enum adze_status try_text(void *argument) {
  const struct input *input = argument;
  struct expr_pool *pool = expr_pool_create(input->arena);
  struct adze_error error;
  struct function *function, *again;
  if (function_parse(pool, input->data, input->size, &function, &error) !=
      ADZE_OK)
    return ADZE_OK;
  struct text first = {.arena = input->arena};
  struct text second = {.arena = input->arena};
  function_print(&first, function);
  enum adze_status status =
      function_parse(pool, first.data, first.size, &again, &error);
  check(status == ADZE_OK);
  function_print(&second, again);
  check(strcmp(text_string(&first), text_string(&second)) == 0);
  return function->is_flat ? verify_flat(function, &error)
                           : verify_structured(function, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct adze_error error;
  struct input input = {arena_create("fuzz"), (const char *)data, size};
  if (input.arena == NULL)
    return 0;
  /* Running out of memory is a fair answer to a huge input. */
  enum adze_status ignored = guard_run(try_text, &input, &error);
  (void)ignored;
  arena_destroy(input.arena);
  return 0;
}
