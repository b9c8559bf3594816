/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: the whole file is mapped read-only, so that weights are shared
 * between processes and cost no copy; the index is copied first and checked on
 * the copy, every other byte is compared with its checksum, and only then is
 * code handed to the dynamic loader.
 *
 * The mapping is private and files are replaced by renaming, so a package that
 * is compiled anew does not change under a loaded one.
 */
#include "runtime/model.h"

#include <string.h>
#include <sys/mman.h>

#include "base/crc32c.h"
#include "runtime/allocator.h"
#include "runtime/package_read.h"

static void advise(const uint8_t *mapped, size_t bytes, int advice) {
  madvise((void *)(uintptr_t)mapped, bytes, advice);
}

static enum adze_status read_index(adze_model *model,
                                   struct adze_error *error) {
  const uint8_t *index;
  size_t index_bytes;
  TRY(package_find_index(model->path, model->file.data, model->file.size,
                         &index, &index_bytes, error));
  void *copy;
  TRY(allocator_take(&model->allocator, index_bytes, 64, "a package's index",
                     &copy, error));
  model->index = copy;
  model->index_bytes = index_bytes;
  memcpy(copy, index, index_bytes);
  return package_check_index(model->path, model->index, index_bytes,
                             model->file.size, error);
}

/* The index speaks for the code; where they differ, buffers would have the
 * wrong sizes. */
static enum adze_status compare_module(const adze_model *model,
                                       struct adze_error *error) {
  const struct adze_index_header *index = model->index;
  const struct adze_abi_module *module = model->module;
  if (module->kernel_count != index->kernel_count ||
      module->symbol_count != index->symbol_count ||
      module->input_count != index->input_count ||
      module->output_count != index->output_count ||
      module->weights_bytes != index->weights_bytes)
    return fail(error, ADZE_INVALID_PACKAGE,
                "%s: its index and its code describe different models",
                model->path);
  return ADZE_OK;
}

/* The file's pages go as their copies come, so that both are never there. */
static void copy_weights(adze_model *model, const uint8_t *from, size_t bytes) {
  uint8_t *to = model->copied_weights;
  advise(model->file.data, model->file.size, MADV_DONTNEED);
  for (size_t done = 0; done < bytes; done += HUGE_PAGE) {
    size_t piece = bytes - done < HUGE_PAGE ? bytes - done : HUGE_PAGE;
    memcpy(to + done, from + done, piece);
    advise(from + done, piece, MADV_DONTNEED);
  }
}

static enum adze_status place_weights(adze_model *model, bool copy,
                                      struct adze_error *error) {
  const uint8_t *data = model->file.data + model->index->weights_offset;
  size_t bytes = model->index->weights_bytes;
  model->weights = data;
  if (!copy || bytes == 0)
    return ADZE_OK;
  size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : ADZE_ABI_ALIGNMENT;
  TRY(allocator_take_raw(&model->allocator, bytes, alignment, "weights",
                         &model->copied_weights, error));
  copy_weights(model, data, bytes);
  model->weights = model->copied_weights;
  return ADZE_OK;
}

static enum adze_status load(adze_model *model, const char *path,
                             const struct adze_load_options *options,
                             struct adze_error *error) {
  void *copy;
  model->path_bytes = strlen(path) + 1;
  TRY(allocator_take(&model->allocator, model->path_bytes, 16,
                     "a package's name", &copy, error));
  model->path = memcpy(copy, path, model->path_bytes);
  TRY(file_map_open(path, &model->file, error));
  TRY(read_index(model, error));
  bool describe_only = options && options->describe_only;
  if (!describe_only)
    TRY(package_check_machine(path, model->index, error));
  /* Advice, may fail: most kernels have no huge pages for files. */
  advise(model->file.data, model->file.size, MADV_HUGEPAGE);
  TRY(package_check_members(path, model->index, model->file.data, error));
  if (describe_only)
    return ADZE_OK;
  TRY(code_load(path, model->file.data + model->index->code_offset,
                model->index->code_bytes, &model->code, &model->module, error));
  TRY(compare_module(model, error));
  return place_weights(model, options && options->copy_weights, error);
}

enum adze_status adze_model_load(const char *path,
                                 const struct adze_load_options *options,
                                 adze_model **out, struct adze_error *error) {
  const struct adze_allocator *allocator =
      options && options->allocator ? options->allocator : &allocator_default;
  void *memory;
  TRY(allocator_take(allocator, sizeof(adze_model), 64, "a model", &memory,
                     error));
  adze_model *model = memory;
  model->allocator = *allocator;
  enum adze_status status = load(model, path, options, error);
  if (status != ADZE_OK) {
    adze_model_unload(model);
    return status;
  }
  *out = model;
  return ADZE_OK;
}

void adze_model_unload(adze_model *model) {
  if (!model)
    return;
  code_unload(&model->code);
  struct adze_allocator allocator = model->allocator;
  if (model->index)
    allocator_give(&allocator, model->copied_weights,
                   model->index->weights_bytes);
  allocator_give(&allocator, model->index, model->index_bytes);
  file_map_close(&model->file);
  allocator_give(&allocator, model->path, model->path_bytes);
  allocator_give(&allocator, model, sizeof *model);
}

enum adze_status adze_model_json(const adze_model *model, char **out,
                                 size_t *json_bytes, struct adze_error *error) {
  void *copy;
  size_t bytes = model->index->json_bytes;
  TRY(allocator_take_raw(&model->allocator, bytes, 16, "mod.json", &copy,
                         error));
  memcpy(copy, model->file.data + model->index->json_offset, bytes);
  if (crc32c(0, copy, bytes) != model->index->json_crc) {
    allocator_give(&model->allocator, copy, bytes);
    return fail(error, ADZE_INVALID_PACKAGE,
                "%s: mod.json has changed since the package was loaded",
                model->path);
  }
  *out = copy;
  *json_bytes = bytes;
  return ADZE_OK;
}

void adze_model_json_release(const adze_model *model, char *json,
                             size_t json_bytes) {
  allocator_give(&model->allocator, json, json_bytes);
}
