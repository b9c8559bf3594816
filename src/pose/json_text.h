/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON numbers the same in every locale. */
#ifndef POSE_JSON_TEXT_H
#define POSE_JSON_TEXT_H

#include "base/text.h"

/* With at most `decimals` (up to 6) digits after the point, no trailing
 * zeros; 0 for what isn't a number, and bounded where JSON readers' doubles
 * still are exact. */
void json_number(struct text *text, double value, int decimals);

#endif
