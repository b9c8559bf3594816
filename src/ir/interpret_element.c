/* SPDX-License-Identifier: Apache-2.0 */
/* Single elements of stages, computed on demand.
 *
 * Each stage becomes a small program whose inputs are its axes; a load of what
 * another stage computes is a call that computes that element, once: results
 * are kept by stage and element number. So an element of a large network costs
 * only what it depends on. A stage is never entered twice at a time, since the
 * stages of a group form no cycle, which bounds the recursion.
 */
#include "ir/interpret.h"

#include <inttypes.h>

#include "ir/interpret_program.h"
#include "ir/simplify.h"

#define KNOWN_LIMIT (1u << 22) /* elements kept in one question */

/* What is made of a stage when its first element is asked for. */
struct element_stage {
  const struct program *program; /* NULL: not made yet */
  struct machine machine;
  bool is_running;
  int64_t shape[LOOP_MAX_RANK];
  struct map known; /* element number -> union value */
};

struct element_run {
  struct expr_pool *pool;
  struct element_stages stages;
  const struct interpret_memory *memory;
  size_t memory_count;
  const struct substitution *symbols;
  size_t symbol_count;
  size_t target;
  const int64_t *indices;
  union value result;
  struct arena *arena;
  struct element_stage *states;
  struct memory *memories;
  size_t known_count;
  struct adze_error *error;
};

/* accumulator = initial; for reductions: accumulator = combine(…, body). */
static struct function *stage_function(const struct element_run *run,
                                       const struct stage *stage) {
  struct expr_pool *pool = run->pool;
  struct function *function = function_new(pool, stage->name);
  for (size_t i = 0; i < run->memory_count; i++)
    vec_push(run->arena, &function->parameters,
             (struct buffer *)(uintptr_t)run->memory[i].buffer);
  for (size_t i = 0; i < stage->axis_count; i++)
    vec_push(run->arena, &function->scalars, stage->axes[i]);
  for (size_t i = 0; i < run->symbol_count; i++)
    vec_push(run->arena, &function->scalars,
             (struct variable *)(uintptr_t)run->symbols[i].variable);
  struct local *local =
      local_new(function, "accumulator", stage->output->dtype, 1);
  struct statement *set = statement_new(pool, STATEMENT_SET);
  set->set.local = local;
  set->set.value = stage->body;
  if (stage->reduce != REDUCE_NONE)
    set->set.value = reduce_combine(pool, stage->reduce,
                                    expr_local(pool, local), stage->body);
  function->body = set;
  for (size_t i = stage->reduction_count; i-- > 0;)
    function->body =
        statement_for(pool, stage->reductions[i], LOOP_SERIAL, function->body);
  if (stage->reduce == REDUCE_NONE)
    return function;
  struct statement *first = statement_new(pool, STATEMENT_SET);
  first->set.local = local;
  first->set.value = stage->initial;
  function->body = statement_append(first, function->body);
  return function;
}

static enum adze_status element_at(void *context, size_t number,
                                   const union value *indices, size_t count,
                                   union value *out, struct adze_error *error);

static enum adze_status prepare_stage(struct element_run *run, size_t number) {
  struct element_stage *state = &run->states[number];
  const struct stage *stage = run->stages.stages[number];
  for (size_t i = 0; i < stage->output->rank; i++) {
    const struct expr *extent =
        simplify(run->pool, expr_substitute(run->pool, stage->output->shape[i],
                                            run->symbols, run->symbol_count));
    if (!expr_get_integer(extent, &state->shape[i]))
      return fail(run->error, ADZE_INTERNAL,
                  "stage %s: dimension %zu of its output has no value",
                  stage->name, i);
  }
  const struct program *program;
  TRY(program_compile(run->arena, stage_function(run, stage), &run->stages,
                      &program, run->error));
  map_init(&state->known, run->arena);
  machine_init(&state->machine, run->arena, program, NULL, 0, 0, 1);
  state->machine.memories = run->memories;
  state->machine.call = element_at;
  state->machine.context = run;
  for (size_t i = 0; i < run->symbol_count; i++) {
    int64_t value;
    if (!expr_get_integer(run->symbols[i].value, &value))
      return fail(run->error, ADZE_INTERNAL, "symbol %s has no value",
                  run->symbols[i].variable->name);
    size_t slot = program->scalar_slots[stage->axis_count + i];
    state->machine.slots[slot].i = value;
  }
  state->program = program;
  return ADZE_OK;
}

enum place { PLACE_INSIDE, PLACE_HALO, PLACE_OUTSIDE };

/* Where the indices lie, and which element of the shape that is. */
static enum place find_place(const struct stage *stage,
                             const struct element_stage *state,
                             const union value *indices, uint64_t *number) {
  enum place place = PLACE_INSIDE;
  *number = 0;
  for (size_t i = 0; i < stage->output->rank; i++) {
    int64_t index = indices[i].i, extent = state->shape[i];
    if (index < -stage->output->halo_before[i] ||
        index >= extent + stage->output->halo_after[i])
      return PLACE_OUTSIDE;
    if (index < 0 || index >= extent)
      place = PLACE_HALO;
    *number = *number * (uint64_t)extent + (uint64_t)index;
  }
  return place;
}

static enum adze_status compute_element(struct element_run *run, size_t number,
                                        const union value *indices,
                                        union value *out) {
  struct element_stage *state = &run->states[number];
  const struct stage *stage = run->stages.stages[number];
  if (state->is_running)
    return fail(run->error, ADZE_INTERNAL, "stage %s depends on itself",
                stage->name);
  if (run->known_count == KNOWN_LIMIT)
    return fail(run->error, ADZE_LIMIT,
                "an element of stage %s depends on more than %u others",
                run->stages.stages[run->target]->name, KNOWN_LIMIT);
  for (size_t i = 0; i < stage->axis_count; i++)
    state->machine.slots[state->program->scalar_slots[i]] = indices[i];
  state->machine.position = 0;
  state->is_running = true;
  bool at_end;
  TRY(machine_run(&state->machine, &at_end, run->error));
  state->is_running = false;
  *out = state->machine.slots[state->program->result_slot];
  run->known_count++;
  return ADZE_OK;
}

static enum adze_status element_at(void *context, size_t number,
                                   const union value *indices, size_t count,
                                   union value *out, struct adze_error *error) {
  struct element_run *run = context;
  struct element_stage *state = &run->states[number];
  const struct stage *stage = run->stages.stages[number];
  if (state->program == NULL)
    TRY(prepare_stage(run, number));
  if (count != stage->output->rank)
    return fail(error, ADZE_INTERNAL, "%s is loaded with %zu indices",
                stage->output->name, count);
  uint64_t element;
  enum place place = find_place(stage, state, indices, &element);
  if (place == PLACE_OUTSIDE)
    return fail(error, ADZE_INTERNAL,
                "an index of buffer %s lies outside its shape",
                stage->output->name);
  if (place == PLACE_HALO) {
    *out = (union value){.u = 0};
    return ADZE_OK;
  }
  union value *known = map_get_key(&state->known, element);
  if (known == NULL) {
    known = ARENA_NEW(run->arena, union value);
    TRY(compute_element(run, number, indices, known));
    map_set_key(&state->known, element, known);
  }
  *out = *known;
  return ADZE_OK;
}

static enum adze_status element_body(void *argument) {
  struct element_run *run = argument;
  run->states =
      ARENA_ARRAY(run->arena, struct element_stage, run->stages.count);
  run->memories = ARENA_ARRAY(run->arena, struct memory, run->memory_count + 1);
  for (size_t i = 0; i < run->memory_count; i++) {
    const struct interpret_memory *memory = &run->memory[i];
    /* Programs of stages load only. */
    run->memories[i] =
        (struct memory){memory->buffer, (uint8_t *)(uintptr_t)memory->data,
                        memory->bytes / value_bytes(memory->buffer->dtype)};
  }
  size_t rank = run->stages.stages[run->target]->axis_count;
  union value *indices = ARENA_ARRAY(run->arena, union value, rank + 1);
  for (size_t i = 0; i < rank; i++)
    indices[i].i = run->indices[i];
  return element_at(run, run->target, indices, rank, &run->result, run->error);
}

enum adze_status
interpret_element(struct expr_pool *pool, struct stage *const *stages,
                  size_t stage_count, const struct interpret_memory *memory,
                  size_t memory_count, const struct substitution *symbols,
                  size_t symbol_count, const struct stage *stage,
                  const int64_t *indices, void *out, struct adze_error *error) {
  struct element_run run = {.pool = pool,
                            .stages = {stages, stage_count},
                            .memory = memory,
                            .memory_count = memory_count,
                            .symbols = symbols,
                            .symbol_count = symbol_count,
                            .indices = indices,
                            .error = error};
  while (run.target < stage_count && stages[run.target] != stage)
    run.target++;
  check(run.target < stage_count);
  run.arena = arena_create("interpret element");
  if (run.arena == NULL)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "memory ran out while interpreting %s", stage->name);
  enum adze_status status = guard_run(element_body, &run, error);
  arena_destroy(run.arena);
  if (status == ADZE_OK)
    value_store(stage->output->dtype, out, run.result);
  return status;
}
