/* SPDX-License-Identifier: Apache-2.0 */
/* Skeletons, drawn with Cairo.
 *
 * Each person is drawn opaque into a group of its own, which is then painted
 * with the alpha asked for: so limbs that cross don't show through each other.
 * Every line and joint has a dark rim, which keeps it visible on any
 * background. The left side is green, the right side orange, the middle blue;
 * a limb between two sides fades from one to the other. Line width follows the
 * person's size. The best person is drawn last, on top.
 */
#include <math.h>

#include "adze/pose.h"
#include "base/base.h"
#include "media/surface.h"

/* Beyond this, in pixels, a keypoint is not drawn: Cairo computes in 24.8
 * fixed point. */
#define FARTHEST 1e6

struct colour {
  double red, green, blue;
};

static const struct colour left_colour = {0.10, 0.88, 0.52};
static const struct colour right_colour = {1.00, 0.56, 0.12};
static const struct colour middle_colour = {0.26, 0.62, 1.00};
static const struct colour rim_colour = {0.06, 0.07, 0.10};

/* The neck isn't a keypoint of COCO: it is between the shoulders. */
#define NECK ADZE_KEYPOINT_COUNT
#define JOINT_COUNT (ADZE_KEYPOINT_COUNT + 1)

static const struct {
  int from, to;
} bones[] = {
    {NECK, ADZE_KEYPOINT_NOSE},
    {ADZE_KEYPOINT_NOSE, ADZE_KEYPOINT_LEFT_EYE},
    {ADZE_KEYPOINT_NOSE, ADZE_KEYPOINT_RIGHT_EYE},
    {ADZE_KEYPOINT_LEFT_EYE, ADZE_KEYPOINT_LEFT_EAR},
    {ADZE_KEYPOINT_RIGHT_EYE, ADZE_KEYPOINT_RIGHT_EAR},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_RIGHT_SHOULDER},
    {ADZE_KEYPOINT_LEFT_HIP, ADZE_KEYPOINT_RIGHT_HIP},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_LEFT_HIP},
    {ADZE_KEYPOINT_RIGHT_SHOULDER, ADZE_KEYPOINT_RIGHT_HIP},
    {ADZE_KEYPOINT_LEFT_HIP, ADZE_KEYPOINT_LEFT_KNEE},
    {ADZE_KEYPOINT_RIGHT_HIP, ADZE_KEYPOINT_RIGHT_KNEE},
    {ADZE_KEYPOINT_LEFT_KNEE, ADZE_KEYPOINT_LEFT_ANKLE},
    {ADZE_KEYPOINT_RIGHT_KNEE, ADZE_KEYPOINT_RIGHT_ANKLE},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_LEFT_ELBOW},
    {ADZE_KEYPOINT_RIGHT_SHOULDER, ADZE_KEYPOINT_RIGHT_ELBOW},
    {ADZE_KEYPOINT_LEFT_ELBOW, ADZE_KEYPOINT_LEFT_WRIST},
    {ADZE_KEYPOINT_RIGHT_ELBOW, ADZE_KEYPOINT_RIGHT_WRIST},
};

struct joint {
  double x, y;
  bool visible;
};

/* A person as it is drawn. */
struct figure {
  struct joint joints[JOINT_COUNT];
  double left, top, right, bottom; /* of the visible joints */
  double width;                    /* of lines */
};

/* In COCO's order odd keypoints are on the left, even ones on the right. */
static struct colour joint_colour(int joint) {
  if (joint == ADZE_KEYPOINT_NOSE || joint == NECK)
    return middle_colour;
  return joint % 2 ? left_colour : right_colour;
}

static bool is_face(int joint) { return joint <= ADZE_KEYPOINT_RIGHT_EAR; }

static void figure_place(struct figure *figure, int joint, double x, double y) {
  figure->joints[joint] = (struct joint){x, y, true};
  figure->left = fmin(figure->left, x);
  figure->right = fmax(figure->right, x);
  figure->top = fmin(figure->top, y);
  figure->bottom = fmax(figure->bottom, y);
}

/* False when nothing of the person is to be drawn. */
static bool figure_make(struct figure *figure, const struct adze_person *person,
                        const struct adze_draw_options *options) {
  *figure = (struct figure){.left = FARTHEST,
                            .top = FARTHEST,
                            .right = -FARTHEST,
                            .bottom = -FARTHEST};
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    const struct adze_keypoint *keypoint = &person->keypoints[i];
    /* Also false for what isn't a number. */
    if (keypoint->score > 0 && keypoint->score >= options->threshold &&
        fabs(keypoint->x) < FARTHEST && fabs(keypoint->y) < FARTHEST)
      figure_place(figure, i, keypoint->x + 0.5, keypoint->y + 0.5);
  }
  const struct joint *left = &figure->joints[ADZE_KEYPOINT_LEFT_SHOULDER];
  const struct joint *right = &figure->joints[ADZE_KEYPOINT_RIGHT_SHOULDER];
  if (left->visible && right->visible)
    figure_place(figure, NECK, (left->x + right->x) / 2,
                 (left->y + right->y) / 2);
  if (figure->left > figure->right)
    return false;
  double size =
      hypot(figure->right - figure->left, figure->bottom - figure->top);
  figure->width = options->line_width > 0 ? options->line_width
                                          : fmin(fmax(size * 0.016, 2), 14);
  return true;
}

static void set_colour(cairo_t *cairo, struct colour colour) {
  cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
}

static void bone_path(cairo_t *cairo, const struct joint *from,
                      const struct joint *to) {
  cairo_move_to(cairo, from->x, from->y);
  cairo_line_to(cairo, to->x, to->y);
}

static void draw_bone(cairo_t *cairo, const struct figure *figure, int from,
                      int to) {
  const struct joint *start = &figure->joints[from], *end = &figure->joints[to];
  struct colour first = joint_colour(from), last = joint_colour(to);
  cairo_pattern_t *fade =
      cairo_pattern_create_linear(start->x, start->y, end->x, end->y);
  cairo_pattern_add_color_stop_rgb(fade, 0.25, first.red, first.green,
                                   first.blue);
  cairo_pattern_add_color_stop_rgb(fade, 0.75, last.red, last.green, last.blue);
  cairo_set_source(cairo, fade);
  bone_path(cairo, start, end);
  cairo_stroke(cairo);
  cairo_pattern_destroy(fade);
}

static void draw_bones(cairo_t *cairo, const struct figure *figure, bool rim) {
  for (size_t i = 0; i < ARRAY_COUNT(bones); i++) {
    int from = bones[i].from, to = bones[i].to;
    if (!figure->joints[from].visible || !figure->joints[to].visible)
      continue;
    bool face = is_face(from) && is_face(to);
    double width = figure->width * (face ? 0.7 : 1);
    cairo_set_line_width(cairo, rim ? width + fmax(0.7 * width, 2) : width);
    if (rim) {
      set_colour(cairo, rim_colour);
      bone_path(cairo, &figure->joints[from], &figure->joints[to]);
      cairo_stroke(cairo);
    } else {
      draw_bone(cairo, figure, from, to);
    }
  }
}

static void draw_disc(cairo_t *cairo, const struct joint *joint, double radius,
                      struct colour colour) {
  set_colour(cairo, colour);
  cairo_arc(cairo, joint->x, joint->y, radius, 0, 2 * 3.14159265358979);
  cairo_fill(cairo);
}

static void draw_joints(cairo_t *cairo, const struct figure *figure) {
  static const struct colour white = {1, 1, 1};
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    const struct joint *joint = &figure->joints[i];
    if (!joint->visible)
      continue;
    double radius = fmax(figure->width * (is_face(i) ? 0.75 : 1.05), 1.6);
    draw_disc(cairo, joint, radius + fmax(0.3 * radius, 0.8), rim_colour);
    draw_disc(cairo, joint, radius, white);
    draw_disc(cairo, joint, radius * 0.62, joint_colour(i));
  }
}

static void draw_figure(cairo_t *cairo, const struct figure *figure,
                        double alpha) {
  double margin = 3 * figure->width + 4;
  cairo_save(cairo);
  cairo_rectangle(cairo, floor(figure->left - margin),
                  floor(figure->top - margin),
                  ceil(figure->right - figure->left + 2 * margin),
                  ceil(figure->bottom - figure->top + 2 * margin));
  cairo_clip(cairo);
  cairo_push_group(cairo);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
  draw_bones(cairo, figure, true);
  draw_bones(cairo, figure, false);
  draw_joints(cairo, figure);
  cairo_pop_group_to_source(cairo);
  cairo_paint_with_alpha(cairo, alpha);
  cairo_restore(cairo);
}

enum adze_status adze_poses_draw(const struct adze_poses *poses,
                                 const struct adze_draw_options *options,
                                 struct adze_image *image,
                                 struct adze_error *error) {
  struct adze_draw_options defaults;
  adze_draw_options_init(&defaults);
  if (!options)
    options = &defaults;
  cairo_surface_t *surface;
  TRY(surface_from_image(image, &surface, error));
  cairo_t *cairo = cairo_create(surface);
  for (size_t i = poses->count; i-- > 0;) {
    struct figure figure;
    if (figure_make(&figure, &poses->persons[i], options))
      draw_figure(cairo, &figure, options->alpha);
  }
  cairo_status_t result = cairo_status(cairo);
  cairo_destroy(cairo);
  if (result == CAIRO_STATUS_SUCCESS)
    surface_to_image(surface, image);
  cairo_surface_destroy(surface);
  if (result != CAIRO_STATUS_SUCCESS)
    return fail(error, ADZE_OUT_OF_MEMORY, "Cairo can't draw: %s",
                cairo_status_to_string(result));
  return ADZE_OK;
}
