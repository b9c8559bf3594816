/* SPDX-License-Identifier: Apache-2.0 */
#include "pose/properties.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NUMBER(name, most)                                                     \
  { #name, offsetof(struct adze_pose_options, name), most }
const struct pose_number pose_numbers[] = {
    NUMBER(peak_radius, ADZE_POSE_MAX_PEAK_RADIUS),
    NUMBER(side_weight, ADZE_POSE_MAX_SIDE_WEIGHT),
    NUMBER(vote_power, ADZE_POSE_MAX_VOTE_POWER),
};
#undef NUMBER
const size_t pose_number_count = ARRAY_COUNT(pose_numbers);

float *pose_number_of(const struct pose_number *number,
                      struct adze_pose_options *options) {
  return (float *)(void *)((char *)options + number->at);
}

/* "a,b,c" of a property into values[3]; leaves them when there is none. */
static enum adze_status read_triple(const adze_model *model, const char *name,
                                    float values[3], struct adze_error *error) {
  const char *property = adze_model_property(model, name);
  if (!property)
    return ADZE_OK;
  double parsed[3];
  const char *at = property;
  for (int i = 0; i < 3; i++) {
    char number[64] = "";
    size_t length = strcspn(at, ",");
    if (length < sizeof number)
      memcpy(number, at, length);
    if (!string_to_double(number, &parsed[i]) ||
        at[length] != (i < 2 ? ',' : 0))
      return fail(error, ADZE_INVALID_PACKAGE,
                  "the package's property %s must be three numbers with "
                  "commas between, found '%s'",
                  name, property);
    at += length + 1;
  }
  for (int i = 0; i < 3; i++)
    values[i] = (float)parsed[i];
  return ADZE_OK;
}

/* "257x257", and the step from one size that the network takes to the next. */
static enum adze_status read_size(const adze_model *model,
                                  struct pose_properties *out,
                                  struct adze_error *error) {
  const char *property = adze_model_property(model, "pose.input_size");
  if (property && !string_to_size(property, ADZE_POSE_MAX_INPUT_SIDE,
                                  &out->width, &out->height))
    return fail(error, ADZE_INVALID_PACKAGE,
                "the package's property pose.input_size must be WxH with 1 to "
                "%d pixels a side, found '%s'",
                ADZE_POSE_MAX_INPUT_SIDE, property);
  property = adze_model_property(model, "pose.size_step");
  int64_t step;
  if (!property)
    return ADZE_OK;
  if (!string_to_int64(property, &step) || step < 1 ||
      step > ADZE_POSE_MAX_INPUT_SIDE || step % out->size_step != 0)
    return fail(error, ADZE_INVALID_PACKAGE,
                "the package's property pose.size_step must be a multiple of "
                "%d up to %d, found '%s'",
                out->size_step, ADZE_POSE_MAX_INPUT_SIDE, property);
  out->size_step = (int)step;
  return ADZE_OK;
}

/* A number of a property; leaves it when there is none. */
static enum adze_status read_number(const adze_model *model, const char *name,
                                    double most, float *out,
                                    struct adze_error *error) {
  char full[64];
  snprintf(full, sizeof full, "pose.%s", name);
  const char *property = adze_model_property(model, full);
  double number;
  if (!property)
    return ADZE_OK;
  if (!string_to_double(property, &number) || !(number >= 0) || number > most)
    return fail(error, ADZE_INVALID_PACKAGE,
                "the package's property %s must be a number from 0 to %g, "
                "found '%s'",
                full, most, property);
  *out = (float)number;
  return ADZE_OK;
}

/* The name of a file that lies beside the model; a path could lead anywhere. */
static enum adze_status read_refinement(const adze_model *model,
                                        struct pose_properties *out,
                                        struct adze_error *error) {
  out->refinement = adze_model_property(model, "pose.refinement");
  if (!out->refinement)
    return ADZE_OK;
  if (!*out->refinement || *out->refinement == '.' ||
      strchr(out->refinement, '/'))
    return fail(error, ADZE_INVALID_PACKAGE,
                "the package's property pose.refinement must be the name of a "
                "file, found '%s'",
                out->refinement);
  return ADZE_OK;
}

/* What pixels become: the kind's usual; nothing when that is compiled in; or
 * what the package says. */
static enum adze_status read_normalisation(const adze_model *model,
                                           const struct pose_network *network,
                                           struct pose_properties *out,
                                           struct adze_error *error) {
  for (int i = 0; i < 3; i++)
    out->scale[i] = 1;
  if (!adze_model_property(model, "preprocessing")) {
    memcpy(out->mean, network->mean, sizeof out->mean);
    memcpy(out->scale, network->scale, sizeof out->scale);
    out->bgr = network->bgr;
  }
  TRY(read_triple(model, "pose.mean", out->mean, error));
  TRY(read_triple(model, "pose.scale", out->scale, error));
  const char *channels = adze_model_property(model, "pose.channels");
  if (!channels)
    return ADZE_OK;
  out->bgr = strcmp(channels, "bgr") == 0;
  if (!out->bgr && strcmp(channels, "rgb") != 0)
    return fail(error, ADZE_INVALID_PACKAGE,
                "the package's property pose.channels must be rgb or bgr, "
                "found '%s'",
                channels);
  return ADZE_OK;
}

enum adze_status pose_properties_read(const adze_model *model,
                                      const struct pose_network *network,
                                      struct pose_properties *out,
                                      struct adze_error *error) {
  *out = (struct pose_properties){.width = network->default_width,
                                  .height = network->default_height,
                                  .size_step = network->size_step,
                                  .score_threshold = 0.5f,
                                  .person_threshold = 0.2f,
                                  .render_threshold = 0.3f};
  TRY(read_size(model, out, error));
  TRY(read_number(model, "score_threshold", 1, &out->score_threshold, error));
  TRY(read_number(model, "person_threshold", 1, &out->person_threshold, error));
  TRY(read_number(model, "render_threshold", 1, &out->render_threshold, error));
  for (size_t i = 0; i < pose_number_count; i++)
    TRY(read_number(model, pose_numbers[i].name, pose_numbers[i].most,
                    pose_number_of(&pose_numbers[i], &out->numbers), error));
  TRY(read_refinement(model, out, error));
  return read_normalisation(model, network, out, error);
}
