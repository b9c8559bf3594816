/* SPDX-License-Identifier: Apache-2.0 */
/* Golden texts of graph passes: files in src/pass/test hold cases of the form
 *
 *   # RUN fold_scales,drop_dead
 *   # why the case is there
 *   graph "g" { … }
 *   # >>> output          (or: # >>> error)
 *   graph "g" { … }
 *
 * What follows the last marker must be what comes out, to the letter. The word
 * `plan` after the passes prints the plan for a machine with AVX-512 instead of
 * the graph. `pass_golden_test --update` writes what comes out into the files;
 * read the difference before it is committed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pass/pass.h"
#include "pass/plan.h"

struct golden {
  struct arena *arena;
  const char *path;
  struct text updated;
  size_t cases, failures;
};

struct golden_case {
  struct arena *arena;
  const char *passes;
  const char *input;
  size_t input_bytes;
  struct adze_error error;
  const char *result;
};

static const struct pass *find_pass(const char *name, size_t size) {
  for (size_t i = 0; i < pass_table_count; i++)
    if (strlen(pass_table[i].name) == size &&
        !memcmp(pass_table[i].name, name, size))
      return &pass_table[i];
  return NULL;
}

static enum adze_status print_plan(struct golden_case *test,
                                   struct graph *graph, struct text *text) {
  struct machine machine;
  struct plan *plan;
  TRY(machine_parse(test->arena, "llvm -mcpu=skylake-avx512", &machine,
                    &test->error));
  TRY(plan_make(graph, &machine, false, &plan, &test->error));
  plan_print(text, plan);
  return ADZE_OK;
}

static enum adze_status run_body(void *argument) {
  struct golden_case *test = argument;
  struct graph *graph;
  struct text text = {.arena = test->arena};
  TRY(graph_parse(test->arena, test->input, test->input_bytes, &graph,
                  &test->error));
  for (const char *at = test->passes; *at;) {
    size_t size = strcspn(at, ",");
    const struct pass *pass = find_pass(at, size);
    if (pass) {
      TRY(pass->run(graph, &test->error));
      TRY(graph_verify(graph, &test->error));
    } else if (string_equal(at, "plan")) {
      TRY(print_plan(test, graph, &text));
      test->result = text_string(&text);
      return ADZE_OK;
    } else {
      return fail(&test->error, ADZE_INVALID_ARGUMENT, "there is no pass '%s'",
                  at);
    }
    at += size + (at[size] == ',');
  }
  graph_print(&text, graph);
  test->result = text_string(&text);
  return ADZE_OK;
}

/* The result of a case with its marker. */
static const char *run_case(struct golden *golden, const char *passes,
                            const char *input, size_t bytes) {
  struct golden_case test = {golden->arena, passes, input, bytes, {0}, NULL};
  enum adze_status status = guard_run(run_body, &test, &test.error);
  return status == ADZE_OK
             ? arena_printf(golden->arena, "# >>> output\n%s", test.result)
             : arena_printf(golden->arena, "# >>> error\n%s\n",
                            test.error.message);
}

/* A case is from its "# RUN" to the next; comments lie before the graph. */
static void check_case(struct golden *golden, const char *text, size_t size) {
  const char *line_end = strchr(text, '\n');
  const char *passes =
      arena_strndup(golden->arena, text + 6, (size_t)(line_end - text) - 6);
  const char *graph = strstr(text, "\ngraph ");
  const char *marker = strstr(text, "\n# >>>");
  golden->cases++;
  if (!graph || graph >= text + size)
    graph = text + size - 1;
  if (!marker || marker >= text + size)
    marker = text + size - 1;
  graph++, marker++;
  const char *expected =
      arena_strndup(golden->arena, marker, (size_t)(text + size - marker));
  const char *found = run_case(golden, passes, graph,
                               marker > graph ? (size_t)(marker - graph) : 0);
  text_add_n(&golden->updated, text, (size_t)(marker - text));
  text_add(&golden->updated, found);
  size_t end = strlen(expected);
  while (end > 0 && expected[end - 1] == '\n')
    end--;
  bool same = strlen(found) >= end && !strncmp(found, expected, end) &&
              strspn(found + end, "\n") == strlen(found + end);
  if (same)
    return;
  golden->failures++;
  printf("%s: # RUN %s\nexpected:\n%sfound:\n%s\n", golden->path, passes,
         expected, found);
}

static void check_file(struct golden *golden) {
  struct file_map map;
  struct adze_error error;
  if (file_map_open(golden->path, &map, &error)) {
    printf("%s\n", error.message);
    golden->failures++;
    return;
  }
  const char *text =
      arena_strndup(golden->arena, (const char *)map.data, map.size);
  file_map_close(&map);
  const char *at = strncmp(text, "# RUN ", 6) ? strstr(text, "\n# RUN ") : text;
  at = at ? at + (at != text) : text + strlen(text);
  text_add_n(&golden->updated, text, (size_t)(at - text));
  while (*at) {
    const char *next = strstr(at + 1, "\n# RUN ");
    next = next ? next + 1 : at + strlen(at);
    check_case(golden, at, (size_t)(next - at));
    if (*next)
      text_add(&golden->updated, "\n");
    at = next;
  }
}

int main(int argc, char **argv) {
  const char *folder = ADZE_SOURCE_DIR "/src/pass/test";
  bool update = argc > 1 && !strcmp(argv[1], "--update");
  struct dirent **entries;
  size_t cases = 0, failures = 0;
  int count = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    const char *name = entries[i]->d_name;
    if (strlen(name) > 3 && !strcmp(name + strlen(name) - 3, ".ir")) {
      struct arena *arena = arena_create("golden");
      if (!arena)
        return 1;
      struct golden golden = {arena,
                              arena_printf(arena, "%s/%s", folder, name),
                              {.arena = arena},
                              0,
                              0};
      check_file(&golden);
      if (update && file_write_all(golden.path, text_string(&golden.updated),
                                   golden.updated.size, NULL) != ADZE_OK)
        return 1;
      cases += golden.cases;
      failures += golden.failures;
      arena_destroy(arena);
    }
    free(entries[i]);
  }
  if (count >= 0)
    free(entries);
  printf("%zu cases, %zu failed\n", cases, failures);
  return update || (cases > 0 && failures == 0) ? 0 : 1;
}
