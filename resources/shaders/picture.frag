#version 440

// YUV to RGB: scaled, sharpened, converted and dimmed. Positions `at` are in luma samples from
// the picture's top left corner, so that the middle of the first sample is at 0.5, 0.5. It is baked
// once for each FILTER, so that no card or rasteriser pays for another one.

#define SMOOTH 0
#define SHARP 1
#define PIXEL 2
#define MEAN 3

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

layout(std140, binding = 0) uniform Drawing {
    mat4 clip;
    vec4 box;          // of the picture in normalised device coordinates: left, bottom, right, top
    vec4 luma_size;    // width, height; 1 / width, 1 / height
    vec4 chroma_size;  // from a position in luma samples to one in the chroma's textures, 0 to 1:
                       // factors, and what is added
    vec4 red;          // factors of Y, Cb and Cr, and what is added
    vec4 green;
    vec4 blue;
    vec4 dim;          // the colour to which it is dimmed, and how far, 0 to 1
    vec4 filtering;    // sharpening; places across and down per pixel; 1 for NV12; unused
};

layout(binding = 1) uniform sampler2D luma;
layout(binding = 2) uniform sampler2D chroma_b;  // Cb; with NV12 Cb and Cr
layout(binding = 3) uniform sampler2D chroma_r;  // Cr; with NV12 the same as chroma_b

const int MOST_PLACES = 4;

float luma_at(vec2 at)
{
    return texture(luma, at * luma_size.zw).r;
}

vec2 chroma_at(vec2 at)
{
    vec2 place = at * chroma_size.xy + chroma_size.zw;
    vec2 first = texture(chroma_b, place).rg;
    return vec2(first.r, mix(texture(chroma_r, place).r, first.g, filtering.z));
}

#if FILTER == SHARP
// Catmull-Rom over 4 x 4 samples. The two in the middle are fetched at once, by bilinear filtering.
float catmull_rom_at(vec2 at)
{
    vec2 middle = floor(at - 0.5) + 0.5;
    vec2 f = at - middle;
    vec2 w0 = f * (-0.5 + f * (1.0 - 0.5 * f));
    vec2 w1 = 1.0 + f * f * (-2.5 + 1.5 * f);
    vec2 w2 = f * (0.5 + f * (2.0 - 1.5 * f));
    vec2 w3 = f * f * (-0.5 + 0.5 * f);
    vec2 w12 = w1 + w2;
    vec2 p0 = middle - 1.0;
    vec2 p12 = middle + w2 / w12;
    vec2 p3 = middle + 2.0;
    return (luma_at(vec2(p0.x, p0.y)) * w0.x + luma_at(vec2(p12.x, p0.y)) * w12.x
            + luma_at(vec2(p3.x, p0.y)) * w3.x) * w0.y
        + (luma_at(vec2(p0.x, p12.y)) * w0.x + luma_at(vec2(p12.x, p12.y)) * w12.x
            + luma_at(vec2(p3.x, p12.y)) * w3.x) * w12.y
        + (luma_at(vec2(p0.x, p3.y)) * w0.x + luma_at(vec2(p12.x, p3.y)) * w12.x
            + luma_at(vec2(p3.x, p3.y)) * w3.x) * w3.y;
}

// Steeper edges without halos: nothing gets brighter or darker than what is around it.
float sharpened(float y, vec2 at)
{
    float left = luma_at(at - vec2(1.0, 0.0)), right = luma_at(at + vec2(1.0, 0.0));
    float above = luma_at(at - vec2(0.0, 1.0)), below = luma_at(at + vec2(0.0, 1.0));
    float least = min(y, min(min(left, right), min(above, below)));
    float most = max(y, max(max(left, right), max(above, below)));
    return clamp(y + filtering.x * (y - 0.25 * (left + right + above + below)), least, most);
}
#endif

vec3 ycc_at(vec2 at)
{
#if FILTER == SMOOTH
    return vec3(luma_at(at), chroma_at(at));
#elif FILTER == SHARP
    float y = catmull_rom_at(at);
    return vec3(filtering.x > 0.0 ? sharpened(y, at) : y, chroma_at(at));
#elif FILTER == PIXEL
    vec2 nearest = floor(at) + 0.5;
    return vec3(luma_at(nearest), chroma_at(nearest));
#else
    // Smaller than the picture: the mean of several places in each pixel.
    vec2 across = dFdx(at), down = dFdy(at);
    vec3 sum = vec3(0.0);
    for (int row = 0; row < MOST_PLACES; ++row) {
        if (float(row) >= filtering.y)
            break;
        for (int column = 0; column < MOST_PLACES; ++column) {
            if (float(column) >= filtering.y)
                break;
            vec2 part = (vec2(float(column), float(row)) + 0.5) / filtering.y - 0.5;
            vec2 place = at + across * part.x + down * part.y;
            vec2 chroma_place = place * chroma_size.xy + chroma_size.zw;
            vec2 first = textureLod(chroma_b, chroma_place, 0.0).rg;
            float second = textureLod(chroma_r, chroma_place, 0.0).r;
            sum += vec3(textureLod(luma, place * luma_size.zw, 0.0).r, first.r,
                        mix(second, first.g, filtering.z));
        }
    }
    return sum / (filtering.y * filtering.y);
#endif
}

void main()
{
    vec4 sample_and_one = vec4(ycc_at(uv * luma_size.xy), 1.0);
    vec3 rgb = vec3(dot(red, sample_and_one), dot(green, sample_and_one), dot(blue, sample_and_one));
    colour = vec4(mix(clamp(rgb, 0.0, 1.0), dim.rgb, dim.a), 1.0);
}
