#version 440

// A rectangle of the picture's size, without a vertex buffer. `uv` is 0, 0 at the picture's top left.

layout(location = 0) out vec2 uv;

layout(std140, binding = 0) uniform Drawing {
    mat4 clip;
    vec4 box;
    vec4 luma_size;
    vec4 chroma_size;
    vec4 red;
    vec4 green;
    vec4 blue;
    vec4 dim;
    vec4 filtering;
};

void main()
{
    vec2 corner = vec2(gl_VertexIndex == 1 || gl_VertexIndex == 3 ? 1.0 : 0.0,
                       gl_VertexIndex >= 2 ? 1.0 : 0.0);
    uv = vec2(corner.x, 1.0 - corner.y);
    gl_Position = clip * vec4(mix(box.xy, box.zw, corner), 0.0, 1.0);
}
