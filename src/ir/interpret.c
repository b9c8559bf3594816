/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreting whole functions: memory, workers, barriers.
 *
 * Buffers of the function's own are filled with a pattern (NaN in floats), so
 * that reading what was never written shows in the results. In flat functions
 * scratch buffers lie in one piece of memory at their offsets, as in compiled
 * code; each is still checked against its own size.
 */
#include "ir/interpret.h"

#include <inttypes.h>
#include <string.h>

#include "ir/interpret_program.h"
#include "ir/simplify.h"

#define OWN_MEMORY_LIMIT (UINT64_C(1) << 36) /* bytes of one buffer */
#define WORKER_LIMIT 4096

struct run {
  const struct function *function;
  void *const *parameters;
  const size_t *parameter_bytes;
  const int64_t *scalars;
  int64_t worker, workers;
  bool all_workers;
  struct arena *arena;
  struct adze_error *error;
};

/* The value of an expression over the function's scalars. */
static enum adze_status evaluate_size(const struct run *run,
                                      const struct expr *e, const char *what,
                                      uint64_t *out) {
  const struct function *function = run->function;
  struct expr_pool *pool = function->pool;
  size_t count = function->scalars.count;
  struct substitution *pairs =
      ARENA_ARRAY(run->arena, struct substitution, count + 1);
  for (size_t i = 0; i < count; i++)
    pairs[i] = (struct substitution){function->scalars.data[i],
                                     expr_index(pool, run->scalars[i])};
  const struct expr *value =
      simplify(pool, expr_substitute(pool, e, pairs, count));
  int64_t number;
  if (!expr_get_integer(value, &number) || number < 0)
    return fail(run->error, ADZE_INTERNAL,
                "function %s: the size of %s is not a number of elements",
                function->name, what);
  *out = (uint64_t)number;
  return ADZE_OK;
}

static void *poisoned(const struct run *run, const struct buffer *buffer,
                      size_t bytes) {
  void *data = arena_alloc(run->arena, bytes != 0 ? bytes : 1);
  memset(data, dtype_is_float(buffer->dtype) ? 0xff : 0xa5, bytes);
  return data;
}

/* Where buffer `number` of the function lies in scratch memory. */
static enum adze_status scratch_place(const struct run *run, size_t number,
                                      uint64_t bytes, uint8_t *scratch,
                                      uint64_t scratch_bytes, uint8_t **out) {
  const struct function *function = run->function;
  const struct buffer *buffer = function->buffers.data[number];
  const struct expr *offset = number < function->scratch_offsets.count
                                  ? function->scratch_offsets.data[number]
                                  : NULL;
  uint64_t start;
  if (offset == NULL)
    return fail(run->error, ADZE_INTERNAL,
                "function %s: buffer %s has no place in scratch memory",
                function->name, buffer->name);
  TRY(evaluate_size(run, offset, buffer->name, &start));
  if (start > scratch_bytes || bytes > scratch_bytes - start)
    return fail(run->error, ADZE_INTERNAL,
                "function %s: buffer %s (%" PRIu64 " bytes at %" PRIu64
                ") leaves the scratch memory of %" PRIu64 " bytes",
                function->name, buffer->name, bytes, start, scratch_bytes);
  *out = scratch + start;
  memset(*out, dtype_is_float(buffer->dtype) ? 0xff : 0xa5, (size_t)bytes);
  return ADZE_OK;
}

/* The memory of one worker: parameters, then buffers of its own. */
static enum adze_status provide_memory(const struct run *run,
                                       struct memory *memories) {
  const struct function *function = run->function;
  for (size_t i = 0; i < function->parameters.count; i++)
    memories[i] =
        (struct memory){function->parameters.data[i], run->parameters[i],
                        run->parameter_bytes[i] /
                            value_bytes(function->parameters.data[i]->dtype)};
  memories += function->parameters.count;
  uint64_t scratch_bytes = 0;
  if (function->scratch_bytes != NULL)
    TRY(evaluate_size(run, function->scratch_bytes, "scratch memory",
                      &scratch_bytes));
  if (scratch_bytes > OWN_MEMORY_LIMIT)
    return fail(run->error, ADZE_LIMIT, "function %s: scratch memory is huge",
                function->name);
  uint8_t *scratch = arena_alloc(run->arena, (size_t)scratch_bytes + 1);
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    uint64_t elements, size = value_bytes(buffer->dtype);
    TRY(evaluate_size(run, buffer->size, buffer->name, &elements));
    if (elements > OWN_MEMORY_LIMIT / size)
      return fail(run->error, ADZE_LIMIT, "function %s: buffer %s is huge",
                  function->name, buffer->name);
    uint8_t *data = NULL;
    if (function->is_flat && buffer->scope == BUFFER_WORKER)
      TRY(scratch_place(run, i, elements * size, scratch, scratch_bytes,
                        &data));
    else
      data = poisoned(run, buffer, (size_t)(elements * size));
    memories[i] = (struct memory){buffer, data, elements};
  }
  return ADZE_OK;
}

static enum adze_status start_worker(const struct run *run,
                                     const struct program *program,
                                     int64_t worker, struct machine *machine) {
  struct memory *memories =
      ARENA_ARRAY(run->arena, struct memory, program->memory_count + 1);
  TRY(provide_memory(run, memories));
  machine_init(machine, run->arena, program, run->scalars,
               run->function->scalars.count, worker, run->workers);
  machine->memories = memories;
  return ADZE_OK;
}

/* All workers, barrier by barrier. */
static enum adze_status run_phases(const struct run *run,
                                   struct machine *machines, int64_t count) {
  bool at_end = false;
  while (!at_end) {
    for (int64_t i = 0; i < count; i++) {
      bool ended;
      TRY(machine_run(&machines[i], &ended, run->error));
      if (i != 0 && ended != at_end)
        return fail(run->error, ADZE_INTERNAL,
                    "function %s: worker %" PRId64
                    " does not meet the others at a barrier",
                    run->function->name, i);
      at_end = ended;
    }
  }
  return ADZE_OK;
}

static enum adze_status run_one(const struct run *run,
                                struct machine *machine) {
  bool at_end = false;
  while (!at_end)
    TRY(machine_run(machine, &at_end, run->error));
  return ADZE_OK;
}

static enum adze_status run_body(void *argument) {
  struct run *run = argument;
  const struct program *program;
  TRY(program_compile(run->arena, run->function, NULL, &program, run->error));
  int64_t count = run->all_workers ? run->workers : 1;
  struct machine *machines =
      ARENA_ARRAY(run->arena, struct machine, (size_t)count);
  for (int64_t i = 0; i < count; i++)
    TRY(start_worker(run, program, run->all_workers ? i : run->worker,
                     &machines[i]));
  return run->all_workers ? run_phases(run, machines, count)
                          : run_one(run, machines);
}

static enum adze_status run_guarded(struct run *run) {
  if (run->workers < 1 || run->workers > WORKER_LIMIT || run->worker < 0 ||
      run->worker >= run->workers)
    return fail(run->error, ADZE_INTERNAL,
                "function %s: worker %" PRId64 " of %" PRId64
                " is none that there can be",
                run->function->name, run->worker, run->workers);
  run->arena = arena_create("interpret");
  if (run->arena == NULL)
    return fail(run->error, ADZE_OUT_OF_MEMORY,
                "memory ran out while interpreting %s", run->function->name);
  enum adze_status status = guard_run(run_body, run, run->error);
  arena_destroy(run->arena);
  return status;
}

enum adze_status interpret(const struct function *function,
                           void *const *parameters,
                           const size_t *parameter_bytes,
                           const int64_t *scalars, int64_t worker,
                           int64_t workers, struct adze_error *error) {
  struct run run = {.function = function,
                    .parameters = parameters,
                    .parameter_bytes = parameter_bytes,
                    .scalars = scalars,
                    .worker = worker,
                    .workers = workers,
                    .error = error};
  return run_guarded(&run);
}

enum adze_status interpret_all_workers(const struct function *function,
                                       void *const *parameters,
                                       const size_t *parameter_bytes,
                                       const int64_t *scalars, int64_t workers,
                                       struct adze_error *error) {
  struct run run = {.function = function,
                    .parameters = parameters,
                    .parameter_bytes = parameter_bytes,
                    .scalars = scalars,
                    .workers = workers,
                    .all_workers = function->is_flat,
                    .error = error};
  return run_guarded(&run);
}
