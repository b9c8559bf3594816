/* SPDX-License-Identifier: Apache-2.0 */
/* The table of targets. */
#include "target/target.h"

const struct target *const target_table[] = {
#define TARGET(name, folder) &target_##name,
#include "target/targets.def"
#undef TARGET
};
const size_t target_table_count = ARRAY_COUNT(target_table);

const struct target *target_find(const char *name) {
  for (size_t i = 0; i < target_table_count; i++)
    if (string_equal(target_table[i]->name, name))
      return target_table[i];
  return NULL;
}
