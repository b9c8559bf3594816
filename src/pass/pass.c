/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline of graph passes, and what the environment asks of it. */
#include "pass/pass.h"

#include <stdio.h>
#include <string.h>

#include "base/environment.h"

const struct pass pass_table[] = {
#define PASS(name, summary) {#name, summary, pass_##name},
#include "pass/passes.def"
#undef PASS
};
const size_t pass_table_count = ARRAY_COUNT(pass_table);

static const char *const dump_names[] = {
#define PASS(name, summary) #name,
#include "pass/passes.def"
#undef PASS
#define DUMP(name, what) #name,
#include "pass/dumps.def"
#undef DUMP
    "all"};

static bool is_dump_name(const char *word, size_t size) {
  for (size_t i = 0; i < ARRAY_COUNT(dump_names); i++)
    if (strlen(dump_names[i]) == size && !memcmp(dump_names[i], word, size))
      return true;
  return size == 0;
}

enum adze_status pass_check_dump(struct adze_error *error) {
  const char *word = environment_get(ENVIRONMENT_ADZE_DUMP);
  while (word && *word) {
    size_t size = strcspn(word, ",");
    if (!is_dump_name(word, size)) {
      char names[256] = "";
      for (size_t i = 0, end = 0; i < ARRAY_COUNT(dump_names); i++)
        end += (size_t)snprintf(names + end, sizeof names - end, "%s%s",
                                i ? ", " : "", dump_names[i]);
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "ADZE_DUMP: '%.*s' is not one of %s", (int)size, word,
                  names);
    }
    word += size + (word[size] == ',');
  }
  return ADZE_OK;
}

static const char *print(struct arena *arena, const struct graph *graph) {
  struct text text = {.arena = arena};
  graph_print(&text, graph);
  return text_string(&text);
}

static enum adze_status run_one(const struct pass *pass, struct graph *graph,
                                bool times, struct adze_error *error) {
  struct arena *scratch = arena_create("pass");
  if (!scratch)
    guard_out_of_memory();
  arena_defer(graph->arena, (void (*)(void *))arena_destroy, scratch);
  bool dumps = environment_has(ENVIRONMENT_ADZE_DUMP, pass->name);
  const char *before = dumps ? print(scratch, graph) : NULL;
  int64_t start = time_now_ns();
  TRY(pass->run(graph, error));
  if (times)
    fprintf(stderr, "%9.2f ms    %s\n",
            (double)(time_now_ns() - start) / 1e6, pass->name);
  if (dumps) {
    const char *after = print(scratch, graph);
    if (strcmp(before, after))
      fprintf(stderr, "// after %s\n%s\n", pass->name, after);
    else
      fprintf(stderr, "// after %s: unchanged\n", pass->name);
  }
  arena_reset(scratch);
  return environment_verifies() ? graph_verify(graph, error) : ADZE_OK;
}

enum adze_status pass_run_all(struct graph *graph, bool times,
                              struct adze_error *error) {
  for (size_t i = 0; i < pass_table_count; i++)
    TRY(run_one(&pass_table[i], graph, times, error));
  return ADZE_OK;
}
