/* SPDX-License-Identifier: Apache-2.0 */
/* What the printer, the parser and the verifiers of loop IR share: words, and
 * which arguments a kind of expression takes. */
#ifndef IR_LOOP_WORDS_H
#define IR_LOOP_WORDS_H

#include "ir/loop.h"

/* "f32", "bf16", "bool"; of dtypes that exist. */
const char *dtype_word(enum adze_dtype dtype);
/* ADZE_DTYPE_NONE when there is none of that name. */
enum adze_dtype dtype_from_word(const char *word);
/* "argument" "stack" "worker" "register" */
const char *buffer_scope_word(enum buffer_scope scope);
/* "serial" "parallel" "vectorized" "unrolled" */
const char *loop_kind_word(enum loop_kind kind);
/* "whole" "initial" "update" */
const char *block_part_word(enum block_part part);
/* Whether the word has a meaning in the text form, so that nothing can be
 * called so. */
bool is_reserved_word(const char *word);

#define LANES_MOST 4096 /* that text and verifiers accept */

/* NULL when a node of this kind may have these arguments, else what is wrong:
 * "takes floats", "takes arguments alike". For kinds with arguments but LOAD,
 * CAST and BITCAST take also the dtype to make. */
const char *arguments_wrong(enum expr_kind kind, enum adze_dtype dtype,
                            const struct expr *const *args, size_t count);

bool reduce_takes(enum reduce_kind kind, enum adze_dtype dtype);

#endif
