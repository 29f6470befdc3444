//! How old an open contribution is, in the buckets that are reported.

/// How old an open contribution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Up to a week.
    Week,
    /// 8 to 30 days.
    Month,
    /// 31 to 90 days.
    Quarter,
    /// More than 90 days.
    Older,
}

impl Bucket {
    /// All, from the youngest.
    pub const ALL: [Self; 4] = [Self::Week, Self::Month, Self::Quarter, Self::Older];

    /// The bucket of an age in days.
    pub const fn of_days(days: i64) -> Self {
        match days {
            i64::MIN..=7 => Self::Week,
            8..=30 => Self::Month,
            31..=90 => Self::Quarter,
            _ => Self::Older,
        }
    }

    /// Name in JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Week => "0-7",
            Self::Month => "8-30",
            Self::Quarter => "31-90",
            Self::Older => "over-90",
        }
    }

    /// Words for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Week => "0–7 days",
            Self::Month => "8–30 days",
            Self::Quarter => "31–90 days",
            Self::Older => "over 90 days",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_fall_into_their_buckets() {
        let buckets: Vec<&str> = [0, 7, 8, 30, 31, 90, 91].map(|days| Bucket::of_days(days).slug()).to_vec();
        assert_eq!(buckets, ["0-7", "0-7", "8-30", "8-30", "31-90", "31-90", "over-90"]);
    }
}
