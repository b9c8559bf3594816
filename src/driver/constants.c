/* SPDX-License-Identifier: Apache-2.0 */
/* The package's constants: arrays of the model as they are, or packed by
 * ordinary stages, compiled for this machine and run once, one at a time, and
 * streamed into the package. */
#include <inttypes.h>
#include <string.h>

#include "driver/compilation.h"
#include "ir/scalar.h"
#include "lower/lower.h"

static char *packer_key(struct compilation *compilation,
                        const struct packed_constant *constant) {
  struct buffer *parameters[2] = {constant->buffer, constant->source_buffer};
  struct stage *stage = constant->stage;
  return kernel_key(compilation->arena, "pack", &stage, 1, parameters, 2);
}

/* Whether an axis is compared with numbers, to choose a row of a small constant
 * matrix: unrolled, the choice costs nothing. */
struct row_search {
  const struct variable *axis;
  bool found;
};
static void find_row(void *context, const struct expr *node) {
  struct row_search *search = context;
  if (node->kind == EXPR_EQUAL && node->args[0]->kind == EXPR_VARIABLE &&
      node->args[0]->variable == search->axis)
    search->found = true;
}
static bool chooses_rows(struct expr_pool *pool, const struct expr *body,
                         const struct variable *axis) {
  struct row_search search = {axis, false};
  expr_walk(pool, body, find_row, &search);
  return search.found && expr_is_integer(axis->extent) &&
         axis->extent->integer <= 16;
}

/* Such axes go inside, just outside the lanes, so that what all rows read is
 * read once. */
static enum adze_status unroll_rows(struct schedule *schedule,
                                    const struct stage *stage,
                                    struct statement *const *loops,
                                    size_t count) {
  struct statement *order[LOOP_MAX_RANK];
  bool rows[LOOP_MAX_RANK] = {false};
  size_t ordered = 0, found = 0;
  for (size_t i = 0; i + 1 < count; i++) {
    rows[i] = chooses_rows(schedule->pool, stage->body, stage->axes[i]);
    found += rows[i];
    if (!rows[i])
      order[ordered++] = loops[i];
  }
  if (found == 0)
    return ADZE_OK;
  for (size_t i = 0; i + 1 < count; i++)
    if (rows[i])
      order[ordered++] = loops[i];
  order[ordered++] = loops[count - 1];
  TRY(schedule_reorder(schedule, order, ordered));
  for (size_t i = 0; i + 1 < count; i++)
    if (rows[i])
      TRY(schedule_unroll(schedule, loops[i]));
  return ADZE_OK;
}

/* Vectorized over the innermost axis; enough for code that runs once. */
static enum adze_status schedule_packer(struct compilation *compilation,
                                        const struct machine *host,
                                        const struct packed_constant *constant,
                                        struct function **out) {
  struct buffer *parameters[2] = {constant->buffer, constant->source_buffer};
  struct stage *stage = constant->stage;
  struct function *function = expand(
      compilation->graph->pool,
      arena_printf(compilation->arena, "pack%zu", compilation->packers.count),
      &stage, 1, parameters, 2);
  struct schedule schedule;
  schedule_init(&schedule, function, host, compilation->error);
  struct statement *block = schedule_block(&schedule, stage->name,
                                           BLOCK_WHOLE);
  struct statement *loops[LOOP_MAX_RANK];
  size_t count =
      schedule_loops_around(&schedule, block, loops, ARRAY_COUNT(loops));
  int64_t lanes;
  TRY(unroll_rows(&schedule, stage, loops, count));
  if (count > 1 &&
      expr_get_integer(loops[count - 1]->loop.extent, &lanes) && lanes <= 64)
    TRY(schedule_vectorize(&schedule, loops[count - 1]));
  TRY(lower(function, host, compilation->error));
  *out = function;
  return ADZE_OK;
}

size_t compilation_constant(struct compilation *compilation,
                            const struct packed_constant *constant) {
  const char *packing =
      constant->stage ? packer_key(compilation, constant) : "";
  const char *key =
      arena_printf(compilation->arena, "%" PRIxPTR ":%s",
                   (uintptr_t)constant->source->constant->data, packing);
  uintptr_t known = (uintptr_t)map_get(&compilation->constant_keys, key);
  if (known)
    return known - 1;
  struct stored_constant stored = {constant, SIZE_MAX, 0};
  vec_push(compilation->arena, &compilation->constants, stored);
  map_set(&compilation->constant_keys, key,
          (void *)(uintptr_t)compilation->constants.count);
  return compilation->constants.count - 1;
}

static enum adze_status make_packers(struct compilation *compilation,
                                     const struct machine *host) {
  for (size_t i = 0; i < compilation->constants.count; i++) {
    struct stored_constant *stored = &compilation->constants.data[i];
    if (!stored->packed->stage)
      continue;
    char *key = packer_key(compilation, stored->packed);
    uintptr_t known = (uintptr_t)map_get(&compilation->packer_keys, key);
    if (!known) {
      struct function *packer;
      TRY(schedule_packer(compilation, host, stored->packed, &packer));
      vec_push(compilation->arena, &compilation->packers, packer);
      known = compilation->packers.count;
      map_set(&compilation->packer_keys, key, (void *)known);
    }
    stored->packer = known - 1;
  }
  return ADZE_OK;
}

static enum adze_status element_bytes(struct compilation *compilation,
                                      const struct buffer *buffer,
                                      size_t *out) {
  int64_t elements;
  if (!expr_get_integer(buffer->size, &elements) ||
      !size_mul((size_t)elements, dtype_bits(buffer->dtype) / 8, out))
    return fail(compilation->error, ADZE_LIMIT,
                "%s: constant %s is too large", compilation->model_path,
                buffer->name);
  return ADZE_OK;
}

typedef void packer_function(void *const *parameters, const int64_t *scalars,
                             void *scratch, int64_t worker, int64_t workers);

static enum adze_status store_constant(struct compilation *compilation,
                                       struct arena *scratch,
                                       struct stored_constant *stored,
                                       void *const *packers) {
  const struct constant *source = stored->packed->source->constant;
  const void *data = source->data;
  size_t bytes = source->bytes;
  if (stored->packer != SIZE_MAX) {
    packer_function *packer;
    memcpy(&packer, &packers[stored->packer], sizeof packer);
    TRY(element_bytes(compilation, stored->packed->buffer, &bytes));
    /* Arrays in a model file have any alignment. */
    size_t alignment = dtype_bits(source->dtype) / 8;
    void *aligned = (uintptr_t)data % alignment == 0
                        ? (void *)(uintptr_t)data
                        : arena_copy(scratch, data, source->bytes);
    void *parameters[2] = {arena_alloc(scratch, bytes), aligned};
    packer(parameters, NULL, NULL, 0, 1);
    data = parameters[0];
  }
  if (compilation->keep_constant)
    return compilation->keep_constant(compilation, data, bytes);
  return package_add_weights(compilation->writer, data, bytes,
                             ADZE_ABI_ALIGNMENT, &stored->offset,
                             compilation->error);
}

enum adze_status compile_constants(struct compilation *compilation) {
  for (size_t b = 0; b < compilation->builders.count; b++) {
    const struct builder *builder = compilation->builders.data[b];
    for (size_t p = 0; p < builder->parameters.count; p++)
      if (builder->parameters.data[p].constant)
        compilation_constant(compilation,
                             builder->parameters.data[p].constant);
  }
  struct machine host;
  TRY(machine_parse(compilation->arena, NULL, &host, compilation->error));
  const struct target *target = target_find(host.kind);
  TRY(make_packers(compilation, &host));
  void **packers = ARENA_ARRAY(compilation->arena, void *,
                               compilation->packers.count + 1);
  if (compilation->packers.count > 0)
    TRY(target->load(compilation->arena, &host, compilation->packers.data,
                     compilation->packers.count, packers,
                     compilation->error));
  struct arena *scratch = arena_create("constants");
  if (!scratch)
    guard_out_of_memory();
  arena_defer(compilation->arena, (void (*)(void *))arena_destroy, scratch);
  for (size_t i = 0; i < compilation->constants.count; i++) {
    TRY(store_constant(compilation, scratch, &compilation->constants.data[i],
                       packers));
    arena_reset(scratch);
    compilation_stage(compilation, "weights", i + 1,
                      compilation->constants.count);
  }
  return ADZE_OK;
}
