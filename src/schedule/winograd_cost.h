/* SPDX-License-Identifier: Apache-2.0 */
/* The analytic model of Winograd's algorithm: cycles of one core for the
 * products, the transforms and the traffic. */
#ifndef SCHEDULE_WINOGRAD_COST_H
#define SCHEDULE_WINOGRAD_COST_H

#include "schedule/winograd_plan.h"

/* Fills in the products' tile and what it costs, from all else in the plan. */
void winograd_cost(const struct machine *machine, struct winograd_plan *plan);
/* Cycles of the template that takes the node otherwise. */
double winograd_cost_otherwise(const struct machine *machine,
                               const struct node *node,
                               const struct winograd_plan *plan);

#endif
