/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that this one starts. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <spawn.h>

/* Attributes of a child whose signals are the usual ones, whatever this program
 * does with its own. Returns an errno; destroy with posix_spawnattr_destroy. */
int child_attributes_init(posix_spawnattr_t *attributes);

#endif
