/* SPDX-License-Identifier: Apache-2.0 */
/* From groups to flat kernels. */
#include <stdio.h>

#include "base/environment.h"
#include "driver/compilation.h"
#include "ir/loop_text.h"
#include "lower/lower.h"

static void dump(const char *stage, const struct function *function) {
  if (!environment_has(ENVIRONMENT_ADZE_DUMP, stage))
    return;
  struct arena *arena = arena_create("dump");
  struct text text = {.arena = arena};
  function_print(&text, function);
  fprintf(stderr, "// after %s\n%s\n", stage, text_string(&text));
  arena_destroy(arena);
}

static enum adze_status finish_kernel(struct compilation *compilation,
                                      struct function *function) {
  dump("schedule", function);
  if (environment_verifies())
    TRY(verify_structured(function, compilation->error));
  TRY(lower(function, &compilation->machine, compilation->error));
  dump("lower", function);
  if (environment_verifies())
    TRY(verify_flat(function, compilation->error));
  return ADZE_OK;
}

static char *builder_key(struct compilation *compilation,
                         const struct builder *builder) {
  struct buffer **parameters = ARENA_ARRAY(
      compilation->arena, struct buffer *, builder->parameters.count);
  for (size_t i = 0; i < builder->parameters.count; i++)
    parameters[i] = builder->parameters.data[i].buffer;
  return kernel_key(compilation->arena, builder->group->template->name,
                    builder->stages.data, builder->stages.count, parameters,
                    builder->parameters.count);
}

/* Barriers stand between outermost statements only; code is cut there. */
static void split_phases(struct compilation *compilation,
                         struct function *function,
                         struct compiled_kernel *kernel) {
  VEC(struct function *) phases = {0};
  struct statement *rest = function->body;
  while (rest) {
    struct function *phase =
        arena_copy(compilation->arena, function, sizeof *function);
    struct statement **end = &rest;
    while (*end && (*end)->kind != STATEMENT_BARRIER)
      end = &(*end)->next;
    struct statement *barrier = *end;
    *end = NULL;
    phase->body = rest;
    phase->name = arena_printf(compilation->arena, "kernel%zu%s%.0zu",
                               compilation->kernels.count,
                               phases.count ? "_" : "", phases.count);
    vec_push(compilation->arena, &phases, phase);
    rest = barrier ? barrier->next : NULL;
  }
  kernel->phases = phases.data;
  kernel->phase_count = phases.count;
}

static enum adze_status add_kernel(struct compilation *compilation,
                                   struct builder *builder, size_t *out) {
  char *key = builder_key(compilation, builder);
  uintptr_t known = (uintptr_t)map_get(&compilation->kernel_keys, key);
  if (known) {
    *out = known - 1;
    return ADZE_OK;
  }
  struct compiled_kernel kernel;
  struct function *function;
  enum adze_status status =
      builder_schedule(builder, &function, &kernel.trace);
  if (status == ADZE_OK)
    status = finish_kernel(compilation, function);
  if (status != ADZE_OK)
    return compilation->error
               ? fail_prefix(compilation->error,
                             arena_printf(compilation->arena, "node '%s'",
                                          builder->group->nodes.data[0]->name))
               : status;
  split_phases(compilation, function, &kernel);
  vec_push(compilation->arena, &compilation->kernels, kernel);
  *out = compilation->kernels.count - 1;
  map_set(&compilation->kernel_keys, key, (void *)(uintptr_t)(*out + 1));
  return ADZE_OK;
}

enum adze_status compile_kernels(struct compilation *compilation) {
  struct plan *plan = compilation->plan;
  struct arena *arena = compilation->arena;
  map_init(&compilation->kernel_keys, arena);
  map_init(&compilation->constant_keys, arena);
  map_init(&compilation->packer_keys, arena);
  for (size_t g = 0; g < plan->groups.count; g++) {
    struct builder *builder = ARENA_NEW(arena, struct builder);
    size_t kernel = 0;
    builder_init(builder, compilation->graph, &compilation->machine,
                 plan->groups.data[g], plan->placements, plan->block,
                 compilation->error);
    TRY(builder_make_stages(builder));
    TRY(add_kernel(compilation, builder, &kernel));
    vec_push(arena, &compilation->builders, builder);
    vec_push(arena, &compilation->group_kernels, kernel);
    compilation_stage(compilation, "kernels", g + 1, plan->groups.count);
  }
  return ADZE_OK;
}
