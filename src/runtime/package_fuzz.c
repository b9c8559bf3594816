/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target of the package reader. The input is taken twice: as a whole file,
 * which the checksums nearly always end, and as an index whose checksum, size
 * and magic are made right first, so that everything behind the checksum is
 * reached as well. An index that passes is used in every way there is. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "runtime/instance.h"
#include "runtime/package_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const char *string) {
  static volatile size_t sink;
  sink = strlen(string);
  (void)sink;
}

static void use_tensor(const struct adze_tensor_info *info) {
  look_at(info->name);
  for (int i = 0; i < info->rank; i++)
    if (info->dim_names[i])
      look_at(info->dim_names[i]);
}

static void use_shapes(const adze_model *model) {
  size_t count = model->index->symbol_count;
  int64_t *symbols = calloc(count + 1, sizeof *symbols);
  size_t inputs = adze_model_input_count(model);
  const int64_t **dims = calloc(inputs + 1, sizeof *dims);
  if (symbols && dims) {
    /* The dims of the index itself: negative where open. */
    for (size_t i = 0; i < inputs; i++)
      dims[i] = model_inputs(model)[i].dims;
    if (shapes_bind(model, dims, symbols, NULL) == ADZE_OK)
      look_at("");
    if (shapes_bind(model, NULL, symbols, NULL) == ADZE_OK)
      look_at("");
    int64_t answers[] = {-2, -1, 1, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++)
      if (shapes_check_plan(model, answers[i], symbols, symbols, NULL) ==
          ADZE_OK)
        abort();
  }
  free(symbols);
  free(dims);
}

static void use_index(struct adze_index_header *index) {
  char path[] = "fuzz";
  adze_model model = {.index = index, .path = path};
  struct adze_tensor_info info;
  look_at(adze_model_name(&model));
  look_at(adze_model_target(&model));
  look_at(adze_model_version(&model));
  (void)adze_model_property(&model, "pose.network");
  (void)adze_model_find_output(&model, "x");
  for (size_t i = 0; i < adze_model_input_count(&model); i++) {
    adze_model_input(&model, i, &info);
    use_tensor(&info);
  }
  for (size_t i = 0; i < adze_model_output_count(&model); i++) {
    adze_model_output(&model, i, &info);
    use_tensor(&info);
  }
  for (size_t i = 0; i < adze_model_kernel_count(&model); i++) {
    const char *name, *template_name;
    double flops;
    adze_model_kernel(&model, i, &name, &template_name, &flops);
    look_at(name);
    look_at(template_name);
  }
  use_shapes(&model);
  if (package_check_machine(path, index, NULL) == ADZE_OK)
    look_at("");
}

static void try_index(const uint8_t *data, size_t size) {
  struct adze_index_header *index = malloc(size);
  if (!index)
    return;
  memcpy(index, data, size);
  memcpy(index->magic, ADZE_INDEX_MAGIC, sizeof index->magic);
  index->index_version = ADZE_INDEX_VERSION;
  index->index_bytes = (uint32_t)size;
  index->index_crc = 0;
  index->index_crc = crc32c(0, index, size);
  if (package_check_index("fuzz", index, size, index->file_bytes, NULL) ==
      ADZE_OK)
    use_index(index);
  free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *index;
  size_t index_bytes;
  if (package_find_index("fuzz", data, size, &index, &index_bytes, NULL) ==
      ADZE_OK)
    try_index(index, index_bytes);
  if (size >= sizeof(struct adze_index_header) && size <= UINT32_MAX)
    try_index(data, size);
  return 0;
}
