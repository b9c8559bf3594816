/* SPDX-License-Identifier: Apache-2.0 */
/* The table of templates. */
#include "schedule/template.h"

const struct template *const template_table[] = {
#define TEMPLATE(name) &template_##name,
#include "schedule/templates.def"
#undef TEMPLATE
};
const size_t template_table_count = ARRAY_COUNT(template_table);

size_t match_decline(struct match_query *query, const char *reason) {
  query->reason = reason;
  return 0;
}
