/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of values that are checked: a piece for each root, between zones that
 * nobody may write. It begins as NaNs, so that what is read before it is
 * written shows. */
#include <stdlib.h>
#include <string.h>

#include "driver/check.h"
#include "op/op.h"

enum { ZONE = 4096, ZONE_BYTE = 0xff };

struct guarded guarded_new(size_t bytes, int poison) {
  size_t all;
  struct guarded guarded = {.bytes = bytes};
  if (!size_add(bytes, 2 * ZONE + ADZE_ABI_ALIGNMENT, &all))
    guard_out_of_memory();
  guarded.base =
      aligned_alloc(ADZE_ABI_ALIGNMENT, align_up(all, ADZE_ABI_ALIGNMENT));
  if (!guarded.base)
    guard_out_of_memory();
  guarded.data = guarded.base + ZONE;
  memset(guarded.base, ZONE_BYTE, ZONE);
  memset(guarded.data, poison, bytes);
  memset(guarded.data + bytes, ZONE_BYTE, ZONE);
  return guarded;
}

void guarded_free(struct guarded *guarded) {
  free(guarded->base);
  *guarded = (struct guarded){0};
}

bool guarded_is_intact(const struct guarded *guarded) {
  for (size_t i = 0; i < ZONE; i++)
    if (guarded->base[i] != ZONE_BYTE ||
        guarded->data[guarded->bytes + i] != ZONE_BYTE)
      return false;
  return true;
}

enum adze_status check_memory_of(struct check *check, const struct value *value,
                                 struct guarded **out) {
  const struct plan *plan = check->compilation.plan;
  const struct value *root = plan_root(plan, value);
  struct checked_value *checked = &check->values[root->id];
  *out = &checked->memory;
  if (checked->memory.base)
    return ADZE_OK;
  const struct buffer *buffer =
      placement_buffer(plan->graph->pool, root, plan->placements);
  size_t bytes;
  TRY(check_bytes(check, buffer->size, buffer->dtype, &bytes));
  checked->memory = guarded_new(bytes, 0xff);
  return ADZE_OK;
}

void check_release(struct check *check, size_t group) {
  const struct plan *plan = check->compilation.plan;
  for (size_t i = 0; i < check->value_count; i++) {
    struct checked_value *checked = &check->values[i];
    if (checked->memory.base && checked->last <= group)
      guarded_free(&checked->memory);
    if (checked->dense.base &&
        check->values[plan_root(plan, checked->value)->id].last <= group)
      guarded_free(&checked->dense);
  }
}

/* ---- Where elements lie -------------------------------------------------- */
struct layout {
  size_t rank; /* in memory: one more than the value's where blocked */
  int64_t offset, block;
  int64_t shape[LOOP_MAX_RANK], strides[LOOP_MAX_RANK];
  const struct buffer *buffer;
  size_t element_bytes;
};

static enum adze_status find_layout(struct check *check,
                                    const struct value *value,
                                    struct layout *out) {
  const struct plan *plan = check->compilation.plan;
  const struct buffer *buffer =
      placement_buffer(plan->graph->pool, value, plan->placements);
  *out = (struct layout){.rank = buffer->rank,
                         .buffer = buffer,
                         .block = plan->placements[value->id].block,
                         .element_bytes = adze_dtype_bytes(value->dtype)};
  TRY(check_number(check, buffer->offset, &out->offset));
  for (size_t d = 0; d < buffer->rank; d++) {
    TRY(check_number(check, buffer->shape[d], &out->shape[d]));
    TRY(check_number(check, buffer->strides[d], &out->strides[d]));
  }
  return ADZE_OK;
}

/* Planes of a blocked value have something behind them that nobody uses. */
static struct region planes_of(const struct layout *own, int64_t start) {
  const struct buffer *buffer = own->buffer;
  int64_t rows = own->shape[2] + buffer->halo_before[2] + buffer->halo_after[2];
  return (struct region){
      .start = (size_t)start * own->element_bytes,
      .bytes = (size_t)(rows * own->strides[2]) * own->element_bytes,
      .pitch = (size_t)own->strides[1] * own->element_bytes,
      .planes = (size_t)own->shape[1],
      .image_pitch = (size_t)own->strides[0] * own->element_bytes,
      .count = (size_t)(own->shape[0] * own->shape[1]),
  };
}

enum adze_status check_region(struct check *check, const struct value *value,
                              struct region *out) {
  const struct plan *plan = check->compilation.plan;
  const struct value *root = plan_root(plan, value);
  struct layout own, whole;
  struct guarded *memory;
  TRY(check_memory_of(check, value, &memory));
  TRY(find_layout(check, value, &own));
  TRY(find_layout(check, root, &whole));
  if (own.block && own.rank == 5)
    *out = planes_of(&own, own.offset - whole.offset);
  else if (root == value)
    *out = (struct region){.bytes = memory->bytes, .planes = 1, .count = 1};
  else
    *out = (struct region){
        .start = (size_t)(own.offset - whole.offset) * own.element_bytes,
        .bytes = (size_t)(own.shape[1] * own.strides[1]) * own.element_bytes,
        .planes = 1,
        .image_pitch = (size_t)own.strides[0] * own.element_bytes,
        .count = (size_t)own.shape[0],
    };
  return ADZE_OK;
}

size_t region_strip(const struct region *region, size_t index) {
  return region->start + index / region->planes * region->image_pitch +
         index % region->planes * region->pitch;
}

/* ---- In logical order ---------------------------------------------------- */
struct reading {
  const struct layout *layout;
  const struct value *value;
  const uint8_t *memory;
  int64_t dims[GRAPH_MAX_RANK];
  uint8_t *to;
};

static void read_dimension(struct reading *reading, size_t d, int64_t offset) {
  const struct layout *layout = reading->layout;
  if (d == reading->value->rank) {
    size_t bytes = layout->element_bytes;
    memcpy(reading->to, reading->memory + (size_t)offset * bytes, bytes);
    reading->to += layout->element_bytes;
    return;
  }
  for (int64_t i = 0; i < reading->dims[d]; i++)
    read_dimension(reading, d + 1,
                   d == 1 && layout->block
                       ? offset + i / layout->block * layout->strides[1] +
                             i % layout->block *
                                 layout->strides[layout->rank - 1]
                       : offset + i * layout->strides[d]);
}

/* A concatenation by offset has no kernel; its elements are checked when they
 * are first read. */
static enum adze_status check_without_kernel(struct check *check,
                                             const struct value *value) {
  struct node *node = value->producer;
  if (!node || check->in_group[node->id] || !node->op->express)
    return ADZE_OK;
  struct adze_check_group report = {.name = node->name};
  enum adze_status status = check_sample(check, &node, 1, &report);
  if (status != ADZE_OK && check->error)
    return fail_prefix(check->error,
                       arena_printf(check->compilation.arena,
                                    "node '%s' (by placement)", node->name));
  return status;
}

enum adze_status check_dense(struct check *check, const struct value *value,
                             const struct guarded **out) {
  struct checked_value *checked = &check->values[value->id];
  *out = &checked->dense;
  if (checked->dense.base)
    return ADZE_OK;
  struct layout layout;
  struct guarded *memory;
  size_t bytes = adze_dtype_bytes(value->dtype);
  TRY(check_memory_of(check, value, &memory));
  TRY(find_layout(check, value, &layout));
  struct reading reading = {
      .layout = &layout, .value = value, .memory = memory->data};
  for (size_t d = 0; d < value->rank; d++) {
    TRY(check_number(check, value->dims[d], &reading.dims[d]));
    if (!size_mul(bytes, (size_t)reading.dims[d], &bytes))
      return fail(check->error, ADZE_LIMIT, "'%s' is too large", value->name);
  }
  checked->value = value;
  checked->dense = guarded_new(bytes, 0);
  reading.to = checked->dense.data;
  read_dimension(&reading, 0, layout.offset);
  return check_without_kernel(check, value);
}

/* ---- Halos --------------------------------------------------------------- */
struct halo_scan {
  const struct layout *layout;
  const uint8_t *memory;
  bool is_zero;
};

static void scan_halo(struct halo_scan *scan, size_t d, int64_t offset,
                      bool outside) {
  const struct layout *layout = scan->layout;
  if (d == layout->rank) {
    const uint8_t *bytes =
        scan->memory + offset * (int64_t)layout->element_bytes;
    for (size_t i = 0; i < layout->element_bytes && outside; i++)
      scan->is_zero = scan->is_zero && bytes[i] == 0;
    return;
  }
  int64_t end = layout->shape[d] + layout->buffer->halo_after[d];
  for (int64_t i = -layout->buffer->halo_before[d]; i < end; i++)
    scan_halo(scan, d + 1, offset + i * layout->strides[d],
              outside || i < 0 || i >= layout->shape[d]);
}

enum adze_status check_halo(struct check *check, const struct value *value) {
  struct layout layout;
  struct guarded *memory;
  bool has_halo = false;
  TRY(find_layout(check, value, &layout));
  for (size_t d = 0; d < layout.rank; d++)
    has_halo = has_halo || layout.buffer->halo_before[d] ||
               layout.buffer->halo_after[d];
  if (!has_halo)
    return ADZE_OK;
  TRY(check_memory_of(check, value, &memory));
  struct halo_scan scan = {&layout, memory->data, true};
  scan_halo(&scan, 0, layout.offset, false);
  return scan.is_zero ? ADZE_OK
                      : fail(check->error, ADZE_MISMATCH,
                             "the halo of '%s' is not zero", value->name);
}
