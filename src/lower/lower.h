/* SPDX-License-Identifier: Apache-2.0 */
/* lower: scheduled, structured loop IR to flat loop IR, in place.
 *
 *   blocks      blocks become stores, predicates become conditions
 *   partition   full tiles lose their predicate, a partial one gets own code
 *   compact     local buffers shrink to the region in use at one time
 *   flatten     one element offset instead of one index per dimension
 *   vectorize   vectorized loops become vector operations
 *   unroll      unrolled loops are written out
 *   hoist       conditions move out of the loops that do not change them
 *   registers   register buffers become locals
 *   workers     parallel loops are split over workers, with barriers between
 *   initialise  locals that a path reads unset start as zero
 *   finish      functions expanded, multiply-adds fused, offsets simplified
 */
#ifndef LOWER_LOWER_H
#define LOWER_LOWER_H

#include "ir/loop.h"
#include "machine/machine.h"

/* INTERNAL where a schedule can't be lowered (a register buffer indexed by a
 * variable, a vectorized reduction). */
enum adze_status lower(struct function *function, const struct machine *machine,
                       struct adze_error *error) ADZE_MUST_USE;

#endif
