/** The two shaders of the painter. Positions are in pixels of the image unless a name says otherwise. */

export const vertexShader = `#version 300 es
in vec2 corner;            // of the unit square
uniform vec2 tileOrigin;   // upper left pixel of the tile
uniform vec2 tileExtent;
uniform vec2 centre;       // what the middle of the canvas shows
uniform vec2 halfCanvas;   // half of the canvas
out vec2 position;
void main() {
  position = tileOrigin + corner * tileExtent;
  vec2 clip = (position - centre) / halfCanvas;
  gl_Position = vec4(clip.x, -clip.y, 0.0, 1.0);
}`;

export const fragmentShader = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
in vec2 position;
out vec4 colour;

uniform sampler2D picture;
uniform usampler2D given;
uniform usampler2D suggested;
uniform usampler2D issues;
uniform usampler2D region;
uniform sampler2D scores;
uniform sampler2D palette;

uniform vec2 tileOrigin;
uniform vec2 tileExtent;
uniform float pixel;        // the extent of a CSS pixel
uniform int layer;          // 0 given, 1 suggested, 2 scores, 3 nothing
uniform bool hasPicture;
uniform bool hasClasses;    // of the layer that is shown
uniform bool hasScores;
uniform bool hasIssues;     // and they are wanted
uniform ivec4 box;          // of the region: x, y, width, height; of no width without one
uniform int boxStep;        // pixels per texel of the region's mask
uniform int classCount;
uniform float opacity;
uniform bool contourOnly;
uniform float brightness;   // the power of two that light is multiplied by
uniform float contrast;     // a factor around the middle grey

ivec2 texel(vec2 at) {
  return ivec2(clamp(floor(at - tileOrigin), vec2(0.0), tileExtent - 1.0));
}

int classAt(vec2 at) {
  uint value = layer == 1 ? texelFetch(suggested, texel(at), 0).r : texelFetch(given, texel(at), 0).r;
  return value < uint(classCount) ? int(value) : -1;
}

bool inRegion(vec2 at) {
  ivec2 here = ivec2(floor(at)) - box.xy;
  if (any(lessThan(here, ivec2(0))) || any(greaterThanEqual(here, box.zw))) return false;
  return texelFetch(region, here / boxStep, 0).r != 0u;
}

bool besideRegion(vec2 at, float distance) {
  for (int k = 0; k < 8; k++) {
    float angle = float(k) * 0.78539816;
    if (inRegion(at + distance * vec2(cos(angle), sin(angle)))) return true;
  }
  return false;
}

// A polynomial through matplotlib's inferno, by Matt Zucker (CC0).
vec3 inferno(float t) {
  const vec3 c0 = vec3(0.0002189403691192265, 0.001651004631001012, -0.01948089843709184);
  const vec3 c1 = vec3(0.1065134194856116, 0.5639564367884091, 3.932712388889277);
  const vec3 c2 = vec3(11.60249308247187, -3.972853965665698, -15.9423941062914);
  const vec3 c3 = vec3(-41.70399613139459, 17.43639888205313, 44.35414519872813);
  const vec3 c4 = vec3(77.162935699427, -33.40235894210092, -81.80730925738993);
  const vec3 c5 = vec3(-71.31942824499214, 32.62606426397723, 73.20951985803202);
  const vec3 c6 = vec3(25.13112622477341, -12.24266895238567, -23.07032500287172);
  return clamp(c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * (c5 + t * c6))))), 0.0, 1.0);
}

void main() {
  vec3 base = vec3(0.36);
  if (hasPicture) {
    vec4 seen = texture(picture, (position - tileOrigin) / tileExtent);
    base = mix(base, clamp((seen.rgb * exp2(brightness) - 0.5) * contrast + 0.5, 0.0, 1.0), seen.a);
  }

  if (layer == 2 && hasScores) {
    // Low scores are suspect, so they are the bright end.
    float score = texelFetch(scores, texel(position), 0).r;
    base = mix(base, inferno(1.0 - clamp(score, 0.0, 1.0)), opacity);
  } else if (layer < 2 && hasClasses) {
    int here = classAt(position);
    bool edge = false;
    float step = 1.25 * pixel;
    edge = edge || classAt(position + vec2(step, 0.0)) != here || classAt(position - vec2(step, 0.0)) != here;
    edge = edge || classAt(position + vec2(0.0, step)) != here || classAt(position - vec2(0.0, step)) != here;
    if (here >= 0) {
      vec4 entry = texelFetch(palette, ivec2(here, 0), 0);
      float fill = contourOnly ? 0.0 : opacity;
      float strength = edge ? (contourOnly ? 1.0 : min(1.0, opacity + 0.4)) : fill;
      base = mix(base, entry.rgb, entry.a > 0.5 ? strength : 0.0);
    }
  }

  if (layer != 3) {
    if (hasIssues && texelFetch(issues, texel(position), 0).r != 0u) {
      float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 9.0);
      if (stripe < 2.0) base = mix(base, vec3(1.0), 0.9);
      else if (stripe < 4.0) base = mix(base, vec3(0.0), 0.8);
    }
    // The outline lies outside of the region, white within black, so that it shows on every ground. Most pixels are far
    // from the box, and need no look around.
    vec2 from = vec2(box.xy) - 3.4 * pixel;
    vec2 to = vec2(box.xy + box.zw) + 3.4 * pixel;
    bool isNear = all(greaterThan(position, from)) && all(lessThan(position, to));
    if (box.z > 0 && isNear && !inRegion(position)) {
      if (besideRegion(position, 1.7 * pixel)) base = vec3(1.0);
      else if (besideRegion(position, 3.4 * pixel)) base = vec3(0.0);
    }
  }
  colour = vec4(base, 1.0);
}`;
