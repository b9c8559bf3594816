/* SPDX-License-Identifier: Apache-2.0 */
/* The C text that every generated file begins with: types, exact arithmetic,
 * and how the compiler is kept from changing results. */
#ifndef TARGET_C_SUPPORT_H
#define TARGET_C_SUPPORT_H

#include "base/text.h"

void c_support_print(struct text *text);

#endif
