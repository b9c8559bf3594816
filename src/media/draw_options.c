/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of drawing, apart from draw.c since they exist without Cairo. */
#include "adze/pose.h"

void adze_draw_options_init(struct adze_draw_options *options) {
  *options = (struct adze_draw_options){.threshold = 0.3f, .alpha = 0.9f};
}
