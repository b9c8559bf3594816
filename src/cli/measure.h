/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a session's model, each timed by itself: one after the other, or of
 * several instances at once. */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include "cli/session.h"
#include "cli/statistics.h"

struct measure_options {
  double seconds; /* how long, and at least five runs of an instance */
  int warmup;     /* runs of each instance before those that count */
};

struct measured {
  struct statistics ms; /* of all runs */
  double fps;           /* runs per second, of all instances together */
};

/* `session` must be prepared. */
enum adze_status measure_latency(struct session *session,
                                 const struct measure_options *options,
                                 struct measured *out,
                                 struct adze_error *error) ADZE_MUST_USE;
/* The session's instance and `instances` - 1 more on the same loaded model,
 * with the same inputs, each run by a thread of its own, all at once. They
 * start together when all are warm. */
enum adze_status measure_throughput(struct session *session, int instances,
                                    const struct measure_options *options,
                                    struct measured *out,
                                    struct adze_error *error) ADZE_MUST_USE;

#endif
