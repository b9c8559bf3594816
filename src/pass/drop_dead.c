/* SPDX-License-Identifier: Apache-2.0 */
/* Dead code: graph_sweep keeps what outputs need. */
#include "pass/pass.h"

enum adze_status pass_drop_dead(struct graph *graph,
                                struct adze_error *error) {
  (void)error;
  graph_sweep(graph);
  return ADZE_OK;
}
