/* SPDX-License-Identifier: Apache-2.0 */
/* How commands write numbers and JSON. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "adze/runtime.h"
#include "base/arena.h"

/* "12.3 MB", "980 bytes"; in the arena. */
const char *bytes_text(struct arena *arena, uint64_t bytes);
/* "4.1 G", "850 k", "12"; for counts of parameters and operations. */
const char *count_text(struct arena *arena, double count);
/* "float32[1,3,height,257]": open dimensions by name, or '?'. */
const char *tensor_text(struct arena *arena,
                        const struct adze_tensor_info *info);

#endif
