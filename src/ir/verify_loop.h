/* SPDX-License-Identifier: Apache-2.0 */
/* What both verifiers of loop IR share. */
#ifndef IR_VERIFY_LOOP_H
#define IR_VERIFY_LOOP_H

#include "base/map.h"
#include "ir/loop.h"

struct verifier {
  const struct function *function;
  struct map variables; /* id -> itself, NULL when not in scope */
  struct map buffers;   /* declared ones, by id */
  /* What the stage forbids in one node; NULL: nothing. */
  const char *(*forbids)(const struct verifier *verifier,
                         const struct expr *node);
  const char *place; /* "store to out": what is being looked at */
  const char *wrong; /* found by a walk, with the name it is about */
  const char *about;
  struct adze_error *error;
};

void verifier_init(struct verifier *verifier, const struct function *function,
                   struct adze_error *error);
/* "function f: store to out: …" */
enum adze_status verify_fail(const struct verifier *verifier,
                             const char *format, ...) ADZE_PRINTF(2, 3);
/* Sets the place to "word name". */
void verify_place(struct verifier *verifier, const char *word,
                  const char *name);
void verify_open(struct verifier *verifier, const struct variable *variable);
void verify_close(struct verifier *verifier, const struct variable *variable);

/* Parameters, scalars, buffers: scopes and layouts. */
enum adze_status verify_declarations(struct verifier *verifier) ADZE_MUST_USE;
/* Every node below e: arguments, variables in scope, declared buffers. */
enum adze_status verify_expr(struct verifier *verifier,
                             const struct expr *e) ADZE_MUST_USE;
/* And a scalar of this dtype. */
enum adze_status verify_scalar(struct verifier *verifier, const struct expr *e,
                               enum adze_dtype dtype,
                               const char *what) ADZE_MUST_USE;
enum adze_status verify_declared(struct verifier *verifier,
                                 const struct buffer *buffer) ADZE_MUST_USE;
enum adze_status
verify_prefetch(struct verifier *verifier,
                const struct statement *prefetch) ADZE_MUST_USE;
/* A loop's bounds, and that its variable is not open; leaves it open. */
enum adze_status verify_loop_head(struct verifier *verifier,
                                  const struct statement *loop) ADZE_MUST_USE;

#endif
