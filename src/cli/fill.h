/* SPDX-License-Identifier: Apache-2.0 */
/* Data for inputs that nobody gave. */
#ifndef CLI_FILL_H
#define CLI_FILL_H

#include "cli/array.h"

/* In the order of the words "zeros|ones|random" of --fill-mode. */
enum fill_mode { FILL_ZEROS, FILL_ONES, FILL_RANDOM };

/* Random numbers are TVMC's: int8 and uint8 from 0 to 127, all other types
 * uniform in [-1, 1), converted. The same seed and type give the same
 * numbers on every machine. */
void fill_array(struct array *array, enum fill_mode mode, uint64_t seed);

#endif
