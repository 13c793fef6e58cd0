//! What a colour of one's own comes to in the design system: the properties of `assets/style.css` that follow from it, and whether all
//! that is written in it, and on it, can be read.

use super::Color;

/// WCAG 2.2, success criterion 1.4.3.
pub const CONTRAST_MIN: f64 = 4.5;

/// What the design puts around the accent, in the light or in the dark.
pub struct Scheme {
    name: &'static str,
    /// What has more contrast.
    pub remedy: &'static str,
    ground: Color,
    surface: Color,
    text_soft: Color,
    /// What is written on the accent.
    pub on_accent: Color,
    /// Where the accent goes when something is pointed at.
    strong: Color,
    /// The accent of usher.
    pub accent: Color,
    /// Most of the accent that its soft ground has, in hundredths.
    soft_max: u16,
}

pub const LIGHT: Scheme = Scheme {
    name: "light",
    remedy: "a darker one",
    ground: Color::new(0xf5, 0xf4, 0xf0),
    surface: Color::new(0xff, 0xff, 0xff),
    text_soft: Color::new(0x5a, 0x60, 0x68),
    on_accent: Color::new(0xff, 0xff, 0xff),
    strong: Color::new(0x00, 0x00, 0x00),
    accent: Color::new(0x0b, 0x5f, 0x66),
    soft_max: 12,
};

pub const DARK: Scheme = Scheme {
    name: "dark",
    remedy: "a lighter one",
    ground: Color::new(0x13, 0x16, 0x18),
    surface: Color::new(0x1c, 0x20, 0x23),
    text_soft: Color::new(0xa8, 0xaf, 0xb6),
    on_accent: Color::new(0x06, 0x29, 0x2b),
    strong: Color::new(0xff, 0xff, 0xff),
    accent: Color::new(0x7f, 0xcd, 0xcf),
    soft_max: 20,
};

impl Scheme {
    /// The worst contrast that something written in this colour, or on it, has.
    pub fn contrast(&self, accent: Color) -> f64 {
        self.against().into_iter().map(|other| accent.contrast(other)).fold(f64::INFINITY, f64::min)
    }

    /// What it is written on, and what is written on it.
    pub fn against(&self) -> [Color; 3] {
        [self.ground, self.surface, self.on_accent]
    }

    /// The same as people read it: never more than it is.
    pub fn ratio(&self, accent: Color) -> String {
        format!("{:.2}", (self.contrast(accent) * 100.0).floor() / 100.0)
    }

    /// The properties of the design system with this accent.
    fn properties(&self, accent: Color) -> String {
        let strong = accent.mixed(self.strong, 25);
        // What is written on it stays readable: with a weak accent it has less of that.
        let is_readable = |soft: &Color| [accent, self.text_soft].iter().all(|text| soft.contrast(*text) >= CONTRAST_MIN);
        let soft = (0..=self.soft_max).rev().map(|percent| self.surface.mixed(accent, percent)).find(is_readable);
        let (soft, on_accent) = (soft.unwrap_or(self.surface), self.on_accent);
        format!("--accent: {accent}; --accent-strong: {strong}; --accent-soft: {soft}; --on-accent: {on_accent};")
    }
}

/// The styles of all pages, in the colours that were chosen. Who asks for high contrast gets that instead, and paper stays black.
/// Nothing, where both are usher's.
pub fn stylesheet(light: Color, dark: Color) -> Option<String> {
    let rule = |(scheme, accent): (Scheme, Color)| {
        let (name, properties) = (scheme.name, scheme.properties(accent));
        let when =
            format!("screen and (prefers-color-scheme: {name}) and (prefers-contrast: no-preference) and (forced-colors: none)");
        (accent != scheme.accent).then(|| format!("@media {when} {{ :root {{ {properties} }} }}\n"))
    };
    let rules: String = [(LIGHT, light), (DARK, dark)].into_iter().filter_map(rule).collect();
    Some(rules).filter(|rules| !rules.is_empty())
}

/// The styles of a picture that shows the light and the dark side by side.
pub fn picture(light: Color, dark: Color) -> String {
    let rule = |(scheme, accent): (Scheme, Color)| format!(".shown-{} {{ {} }}\n", scheme.name, scheme.properties(accent));
    [(LIGHT, light), (DARK, dark)].into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLES: &str = include_str!("../../assets/style.css");

    /// What the design system says of a property, in the light and in the dark.
    fn said(property: &str) -> [Color; 2] {
        let mark = format!("--{property}: ");
        let mut values = STYLES.split(&mark).skip(1).map(|rest| rest.split(';').next().unwrap());
        [0, 1].map(|_| Color::parse(values.next().unwrap()).unwrap())
    }

    #[test]
    fn the_schemes_are_those_of_the_design_system() {
        type Part = fn(&Scheme) -> Color;
        let parts: [(&str, Part); 5] = [
            ("ground", |scheme| scheme.ground),
            ("surface", |scheme| scheme.surface),
            ("text-soft", |scheme| scheme.text_soft),
            ("on-accent", |scheme| scheme.on_accent),
            ("accent", |scheme| scheme.accent),
        ];
        for (name, part) in parts {
            assert_eq!(said(name), [part(&LIGHT), part(&DARK)], "{name}");
        }
    }

    #[test]
    fn whatever_is_accepted_can_be_read_everywhere() {
        let steps = (0..=255).step_by(15);
        let all = steps.clone().flat_map(|red| steps.clone().map(move |green| (red, green)));
        let all = all.flat_map(|(red, green)| (0..=255).step_by(15).map(move |blue| Color::new(red, green, blue)));
        let mut accepted = 0;
        for accent in all {
            for scheme in [&LIGHT, &DARK].into_iter().filter(|scheme| scheme.contrast(accent) >= CONTRAST_MIN) {
                let properties = scheme.properties(accent);
                let property = |name: &str| {
                    let rest = properties.split_once(&format!("--{name}: ")).unwrap().1;
                    Color::parse(rest.split(';').next().unwrap()).unwrap()
                };
                let pairs = [
                    (accent, property("accent-soft")),
                    (scheme.text_soft, property("accent-soft")),
                    (property("accent-strong"), scheme.ground),
                    (property("accent-strong"), scheme.on_accent),
                ];
                for (one, two) in pairs {
                    assert!(one.contrast(two) >= CONTRAST_MIN, "{} {accent}: {one} on {two}", scheme.name);
                }
                accepted += 1;
            }
        }
        assert!(accepted > 500, "{accepted}");
    }

    #[test]
    fn only_what_was_chosen_is_in_the_styles() {
        let color = Color::parse("#8a1c5b").unwrap();
        assert_eq!(stylesheet(LIGHT.accent, DARK.accent), None);
        let light = stylesheet(color, DARK.accent).unwrap();
        assert!(light.contains("(prefers-color-scheme: light)") && light.contains("--accent: #8a1c5b;"), "{light}");
        assert!(!light.contains("dark") && light.contains("(prefers-contrast: no-preference)"), "{light}");
        assert!(picture(LIGHT.accent, color).contains(".shown-light { --accent: #0b5f66;"));
    }
}
