/* SPDX-License-Identifier: Apache-2.0 */
/* Transcendental functions and half conversions as expressions over basic
 * operations, scalar or vector alike: what EXP … POW, ERF and casts from and to
 * f16 and bf16 mean, for the interpreter and for lower. f32 results are within
 * a few units in the last place (bounds in the .c); f64 likewise. */
#ifndef IR_EXPAND_MATH_H
#define IR_EXPAND_MATH_H

#include "ir/expr.h"

/* Rewrites every such node of e. With `fused` the polynomials use FMA, which
 * the machine must have; the result may differ in last places, and the same
 * choice must be made wherever bits are compared. */
const struct expr *expand_math(struct expr_pool *pool, const struct expr *e,
                               bool fused);

#endif
