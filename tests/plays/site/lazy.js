export const shade = "sky blue";
