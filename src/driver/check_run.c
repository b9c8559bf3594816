/* SPDX-License-Identifier: Apache-2.0 */
/* One kernel under watch.
 *
 * It runs with one worker, then with two and three, called in turn, phase by
 * phase. Each time its output and its temporary memory begin as other garbage:
 * bytes that it does not write, or computes from what it has not written,
 * differ between the runs, and so does what depends on the number of workers.
 * What it may only read is checksummed, and all memory has guard zones.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "driver/check.h"

typedef void kernel_function(void *const *parameters, const int64_t *scalars,
                             void *scratch, int64_t worker, int64_t workers);

enum { RUNS = 3 };
static const int poisons[RUNS] = {0xff, 0x7b, 0x3c};

struct watched {
  const struct parameter *parameter;
  struct guarded *memory;
  struct guarded own; /* of a temporary */
  bool is_output;
  uint32_t checksum;
};

struct watch {
  struct check *check;
  const struct builder *builder;
  struct watched *parameters;
  const struct value *outputs[GRAPH_MAX_RANK];
  size_t output_count;
  struct guarded before, first; /* what the outputs' memory held, and holds */
  struct guarded scratch;
  size_t scratch_bytes; /* of a worker */
};

static bool is_output(const struct watch *watch, const struct value *value) {
  const struct plan *plan = watch->check->compilation.plan;
  for (size_t i = 0; value && i < watch->output_count; i++)
    if (plan_root(plan, value) == plan_root(plan, watch->outputs[i]))
      return true;
  return false;
}

static enum adze_status find_memory(struct watch *watch) {
  struct check *check = watch->check;
  const struct builder *builder = watch->builder;
  size_t count = builder->parameters.count;
  watch->parameters =
      ARENA_ARRAY(check->compilation.arena, struct watched, count);
  for (size_t i = 0; i < count; i++) {
    struct watched *watched = &watch->parameters[i];
    const struct parameter *parameter = &builder->parameters.data[i];
    watched->parameter = parameter;
    watched->is_output = is_output(watch, parameter->value);
    if (parameter->constant) {
      watched->memory = &check->constants.data[compilation_constant(
          &check->compilation, parameter->constant)];
    } else if (parameter->value) {
      TRY(check_memory_of(check, parameter->value, &watched->memory));
    } else {
      size_t bytes;
      TRY(check_bytes(check, parameter->buffer->size, parameter->buffer->dtype,
                      &bytes));
      watched->own = guarded_new(bytes, 0xff);
      watched->memory = &watched->own;
    }
    if (parameter->value && !watched->is_output)
      watched->checksum =
          crc32c(0, watched->memory->data, watched->memory->bytes);
  }
  return ADZE_OK;
}

/* ---- Before and after a run ---------------------------------------------- */
static enum adze_status poison(struct watch *watch, int run) {
  for (size_t i = 0; i < watch->output_count; i++) {
    struct region region;
    struct guarded *memory;
    TRY(check_memory_of(watch->check, watch->outputs[i], &memory));
    TRY(check_region(watch->check, watch->outputs[i], &region));
    for (size_t n = 0; n < region.count; n++)
      memset(memory->data + region_strip(&region, n), poisons[run],
             region.bytes);
  }
  for (size_t i = 0; i < watch->builder->parameters.count; i++)
    if (watch->parameters[i].own.base)
      memset(watch->parameters[i].own.data, poisons[run],
             watch->parameters[i].own.bytes);
  memset(watch->scratch.data, poisons[run], watch->scratch.bytes);
  return ADZE_OK;
}

static enum adze_status inspect(struct watch *watch, int64_t workers) {
  struct adze_error *error = watch->check->error;
  if (!guarded_is_intact(&watch->scratch))
    return fail(error, ADZE_MISMATCH,
                "with %d workers it writes beside its scratch memory",
                (int)workers);
  for (size_t i = 0; i < watch->builder->parameters.count; i++) {
    const struct watched *watched = &watch->parameters[i];
    const char *name = watched->parameter->buffer->name;
    if (!guarded_is_intact(watched->memory))
      return fail(error, ADZE_MISMATCH, "with %d workers it writes beside '%s'",
                  (int)workers, name);
    if (watched->parameter->value && !watched->is_output &&
        crc32c(0, watched->memory->data, watched->memory->bytes) !=
            watched->checksum)
      return fail(error, ADZE_MISMATCH,
                  "with %d workers it writes its input '%s'", (int)workers,
                  name);
  }
  return ADZE_OK;
}

/* What others than this group wrote into the outputs' memory: unchanged. */
static enum adze_status inspect_neighbours(struct watch *watch,
                                           const struct value *output) {
  struct region region;
  struct guarded *memory;
  TRY(check_memory_of(watch->check, output, &memory));
  TRY(check_region(watch->check, output, &region));
  size_t at = 0;
  for (size_t n = 0; n <= region.count; n++) {
    size_t end = n < region.count ? region_strip(&region, n) : memory->bytes;
    if (end > at &&
        memcmp(memory->data + at, watch->before.data + at, end - at))
      return fail(watch->check->error, ADZE_MISMATCH,
                  "it writes beside its part of '%s'",
                  plan_root(watch->check->compilation.plan, output)->name);
    at = end + region.bytes;
  }
  return ADZE_OK;
}

/* ---- Runs ---------------------------------------------------------------- */
static void call(struct watch *watch, size_t group, int64_t workers) {
  struct check *check = watch->check;
  const struct compilation *compilation = &check->compilation;
  size_t number = compilation->group_kernels.data[group];
  const struct compiled_kernel *kernel = &compilation->kernels.data[number];
  size_t count = watch->builder->parameters.count;
  void **pointers = ARENA_ARRAY(compilation->arena, void *, count + 1);
  for (size_t i = 0; i < count; i++)
    pointers[i] = watch->parameters[i].memory->data;
  for (size_t phase = 0; phase < kernel->phase_count; phase++) {
    const struct function *function = kernel->phases[phase];
    int64_t *scalars =
        ARENA_ARRAY(compilation->arena, int64_t, function->scalars.count + 1);
    for (size_t i = 0; i < function->scalars.count; i++)
      scalars[i] = check->symbol_values[function->scalars.data[i]->symbol];
    kernel_function *code;
    memcpy(&code, &check->phases[number][phase], sizeof code);
    for (int64_t worker = 0; worker < workers; worker++)
      code(pointers, scalars,
           watch->scratch.data + (size_t)worker * watch->scratch_bytes, worker,
           workers);
  }
}

static enum adze_status find_scratch(struct watch *watch, size_t group) {
  struct check *check = watch->check;
  const struct compilation *compilation = &check->compilation;
  const struct compiled_kernel *kernel =
      &compilation->kernels.data[compilation->group_kernels.data[group]];
  int64_t bytes = 0;
  if (kernel->phase_count > 0 && kernel->phases[0]->scratch_bytes)
    TRY(check_number(check, kernel->phases[0]->scratch_bytes, &bytes));
  watch->scratch_bytes = align_up((size_t)bytes, ADZE_ABI_ALIGNMENT);
  watch->scratch = guarded_new(RUNS * watch->scratch_bytes, 0xff);
  return ADZE_OK;
}

/* Groups have one output that other kernels see, save for operators of several
 * outputs, which never lie in a parent. */
static enum adze_status compare_run(struct watch *watch, int run,
                                    size_t output) {
  struct guarded *memory;
  const struct value *value = watch->outputs[output];
  TRY(check_memory_of(watch->check, value, &memory));
  if (run == 0) {
    TRY(check_halo(watch->check, value));
    memcpy(watch->first.data, memory->data, memory->bytes);
    return ADZE_OK;
  }
  return memcmp(watch->first.data, memory->data, memory->bytes) == 0
             ? ADZE_OK
             : fail(watch->check->error, ADZE_MISMATCH,
                    "'%s' differs with %d workers and other garbage in the "
                    "memory before",
                    value->name, run + 1);
}

static enum adze_status run_all(struct watch *watch, size_t group,
                                size_t output) {
  struct guarded *memory;
  TRY(check_memory_of(watch->check, watch->outputs[output], &memory));
  watch->before = guarded_new(memory->bytes, 0);
  watch->first = guarded_new(memory->bytes, 0);
  memcpy(watch->before.data, memory->data, memory->bytes);
  for (int run = 0; run < RUNS; run++) {
    TRY(poison(watch, run));
    call(watch, group, run + 1);
    TRY(inspect(watch, run + 1));
    TRY(inspect_neighbours(watch, watch->outputs[output]));
    TRY(compare_run(watch, run, output));
  }
  return ADZE_OK;
}

void check_run_release(struct check *check) {
  struct watch *watch = check->watch;
  check->watch = NULL;
  if (!watch)
    return;
  guarded_free(&watch->before);
  guarded_free(&watch->first);
  guarded_free(&watch->scratch);
  for (size_t i = 0; watch->parameters && i < watch->builder->parameters.count;
       i++)
    guarded_free(&watch->parameters[i].own);
}

enum adze_status check_run_group(struct check *check, size_t group) {
  struct watch *watch = ARENA_NEW(check->compilation.arena, struct watch);
  watch->check = check;
  watch->builder = check->compilation.builders.data[group];
  check->watch = watch;
  const struct group *nodes = watch->builder->group;
  const struct node *last = nodes->nodes.data[nodes->nodes.count - 1];
  for (size_t i = 0; i < last->output_count; i++)
    if (last->outputs[i] && watch->output_count < ARRAY_COUNT(watch->outputs))
      watch->outputs[watch->output_count++] = last->outputs[i];
  enum adze_status status = find_memory(watch);
  if (status == ADZE_OK)
    status = find_scratch(watch, group);
  for (size_t i = 0; status == ADZE_OK && i < watch->output_count; i++) {
    guarded_free(&watch->before);
    guarded_free(&watch->first);
    status = run_all(watch, group, i);
  }
  check_run_release(check);
  return status;
}
