/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical text of expressions, stages and loop IR (grammar in docs/IR.md).
 * parse(print(x)) prints the same text again. */
#ifndef IR_LOOP_TEXT_H
#define IR_LOOP_TEXT_H

#include "base/text.h"
#include "ir/loop.h"

void expr_print(struct text *text, const struct expr *e);
void stage_print(struct text *text, const struct stage *stage);
/* Buffers, stages, body. Variables and buffers with equal names get numbers. */
void function_print(struct text *text, const struct function *function);

/* Both take any bytes: errors are INVALID_DATA with line and column. */
enum adze_status function_parse(struct expr_pool *pool, const char *data,
                                size_t size, struct function **out,
                                struct adze_error *error) ADZE_MUST_USE;

/* What is legal at each stage; INTERNAL with a sentence that names the
 * statement. */
enum adze_status verify_structured(const struct function *function,
                                   struct adze_error *error) ADZE_MUST_USE;
enum adze_status verify_flat(const struct function *function,
                             struct adze_error *error) ADZE_MUST_USE;

#endif
