/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operators, looked up by adze's names and by those that formats
 * use one to one. The table is some hundred rows and a lookup happens once for
 * each node of a model, so both are linear. */
#include "op/op.h"

#include <string.h>

const struct op_def *const op_table[] = {
#define OP(name, file) &op_##name,
#include "op/ops.def"
#undef OP
};
const size_t op_table_count = ARRAY_COUNT(op_table);

const struct op_def *op_find(const char *name) {
  for (size_t i = 0; i < op_table_count; i++)
    if (strcmp(op_table[i]->name, name) == 0)
      return op_table[i];
  return NULL;
}

static bool imports(const struct import_name *row, const char *format,
                    const char *name, int version) {
  return strcmp(row->format, format) == 0 && strcmp(row->name, name) == 0 &&
         version >= row->since && (row->until == 0 || version <= row->until);
}

const struct op_def *op_find_import(const char *format, const char *name,
                                    int version) {
  for (size_t i = 0; i < op_table_count; i++) {
    const struct import_name *rows = op_table[i]->imports;
    for (size_t k = 0; rows != NULL && rows[k].format != NULL; k++)
      if (imports(&rows[k], format, name, version))
        return op_table[i];
  }
  return NULL;
}
