//! Counts as bars: over time, and of a few kinds now. The picture has no text: what it shows stands beside it, and every number
//! in a table.

use fluent_bundle::FluentArgs;
use jiff::civil::Date;
use serde::Serialize;

use crate::languages::now;

/// The size of the picture, which is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// What is counted in each period: one kind, or two that stand on each other.
pub struct Series {
    pub id: &'static str,
    pub title: String,
    pub names: Vec<String>,
    pub periods: Vec<(Date, Vec<i64>)>,
    /// Whether the periods may be added up: nobody is counted in two of them.
    pub adds_up: bool,
}

/// For the template.
#[derive(Serialize)]
pub struct Chart {
    id: &'static str,
    title: String,
    names: Vec<String>,
    bars: Vec<Bar>,
    rows: Vec<Row>,
    highest: i64,
    total: Option<i64>,
    /// What the picture shows, in words.
    said: String,
}

/// A rectangle. Nobody reads the picture's numbers, so they are texts already.
#[derive(Serialize)]
struct Bar {
    /// Which of the names it stands for.
    of: usize,
    x: String,
    y: String,
    width: String,
    height: String,
}

#[derive(Serialize)]
struct Row {
    day: String,
    counts: Vec<i64>,
}

#[expect(clippy::cast_precision_loss, reason = "a picture need not be exact")]
pub fn draw(series: Series) -> Chart {
    let sums: Vec<i64> = series.periods.iter().map(|(_, counts)| counts.iter().sum()).collect();
    let highest = sums.iter().copied().max().unwrap_or_default();
    let step = WIDTH / (series.periods.len().max(1) as f64);
    let gap = (step * 0.2).min(4.0);
    let mut bars = Vec::new();
    for (at, (_, counts)) in series.periods.iter().enumerate() {
        let mut floor = HEIGHT;
        for (of, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = HEIGHT * (*count as f64) / (highest.max(1) as f64);
            floor -= height;
            let text = |number: f64| format!("{number:.2}");
            let x = text((at as f64).mul_add(step, gap / 2.0));
            bars.push(Bar { of, x, y: text(floor), width: text(step - gap), height: text(height) });
        }
    }
    let peak = series.periods.iter().zip(&sums).max_by_key(|(_, sum)| **sum).filter(|(_, sum)| **sum > 0);
    let said = peak.map_or_else(
        || now().word("chart-nothing"),
        |((day, _), sum)| {
            let mut values = FluentArgs::from_iter([("count", *sum)]);
            values.set("day", now().day(*day));
            now().say("chart-most", &values)
        },
    );
    let rows = series.periods.iter().map(|(day, counts)| Row { day: now().day(*day), counts: counts.clone() }).collect();
    let total = series.adds_up.then(|| sums.iter().sum());
    Chart { id: series.id, title: series.title, names: series.names, bars, rows, highest, total, said }
}

/// So high is the band of each amount. Its bar is the last part of it; its name lies above.
const BAND: usize = 20;
const BAR: usize = 6;

/// How many there are of something now.
pub struct Amount {
    pub name: String,
    pub count: i64,
    pub is_bad: bool,
}

/// For the template.
#[derive(Serialize)]
pub struct Amounts {
    id: &'static str,
    title: String,
    /// The height of the picture, which is a hundred wide.
    height: usize,
    bar: usize,
    rows: Vec<Beam>,
    has_shares: bool,
    /// What the picture shows, in words.
    said: String,
}

#[derive(Serialize)]
struct Beam {
    name: String,
    count: i64,
    /// In percent.
    share: Option<i64>,
    is_bad: bool,
    y: usize,
    width: String,
}

/// `of` is how many there are in all, where each amount is a part of that: else the longest bar is that of the largest.
#[expect(clippy::cast_precision_loss, reason = "a picture need not be exact")]
pub fn draw_amounts(id: &'static str, title: String, amounts: Vec<Amount>, of: Option<i64>) -> Amounts {
    let whole = of.or_else(|| amounts.iter().map(|amount| amount.count).max()).unwrap_or_default().max(1);
    let said = |amount: &Amount| {
        let mut values = FluentArgs::from_iter([("count", amount.count)]);
        values.set("name", amount.name.clone());
        now().say("chart-amount", &values)
    };
    let said = amounts.iter().map(said).collect::<Vec<_>>().join("; ");
    let height = amounts.len() * BAND;
    let beam = |(at, Amount { name, count, is_bad }): (usize, Amount)| Beam {
        name,
        count,
        share: of.map(|_| (100 * count + whole / 2) / whole),
        is_bad,
        y: (at + 1) * BAND - BAR,
        width: format!("{:.2}", 100.0 * (count as f64) / (whole as f64)),
    };
    let rows = amounts.into_iter().enumerate().map(beam).collect();
    Amounts { id, title, height, bar: BAR, rows, has_shares: of.is_some(), said }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn drawn(counts: &[[i64; 2]]) -> Chart {
        let periods = counts.iter().zip(1..).map(|(counts, day)| (date(2026, 1, day), counts.to_vec())).collect();
        let names = vec!["in".to_owned(), "out".to_owned()];
        draw(Series { id: "a", title: "A".to_owned(), names, periods, adds_up: true })
    }

    #[test]
    fn bars_stand_on_each_other_and_the_highest_fills_the_picture() {
        let chart = drawn(&[[3, 1], [0, 0], [0, 2]]);
        let tops: Vec<(usize, &str, &str)> = chart.bars.iter().map(|bar| (bar.of, bar.y.as_str(), bar.height.as_str())).collect();
        assert_eq!(tops, [(0, "30.00", "90.00"), (1, "0.00", "30.00"), (1, "60.00", "60.00")]);
        assert_eq!((chart.highest, chart.total), (4, Some(6)));
        assert!(chart.said.contains("4, from 1 January 2026"), "{}", chart.said);
    }

    #[test]
    fn amounts_are_drawn_by_their_share_or_by_the_largest() {
        let drawn = |counts: [i64; 2], of| {
            let amount = |(name, count): (&str, i64)| Amount { name: name.to_owned(), count, is_bad: false };
            let amounts = ["App", "Neither"].into_iter().zip(counts).map(amount).collect();
            let drawn = draw_amounts("a", "A".to_owned(), amounts, of);
            let rows: Vec<_> = drawn.rows.into_iter().map(|row| (row.y, row.width, row.share)).collect();
            (rows, drawn.said)
        };
        let (rows, said) = drawn([1, 3], Some(8));
        assert_eq!(rows, [(14, "12.50".to_owned(), Some(13)), (34, "37.50".to_owned(), Some(38))]);
        assert_eq!(said, "App: 1; Neither: 3");
        let (rows, _) = drawn([1, 3], None);
        assert_eq!(rows, [(14, "33.33".to_owned(), None), (34, "100.00".to_owned(), None)]);
        let (rows, _) = drawn([0, 0], Some(0));
        assert_eq!(rows, [(14, "0.00".to_owned(), Some(0)), (34, "0.00".to_owned(), Some(0))]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        for counts in [&[][..], &[[0, 0]]] {
            let chart = drawn(counts);
            assert!(chart.bars.is_empty() && chart.said == "Nothing was counted.");
        }
    }
}
