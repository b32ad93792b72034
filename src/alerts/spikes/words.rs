//! How people say it: "41 in 5 min, usually 2 per hour".

use super::Figures;

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let window = match self.window {
            minutes if minutes > 60 => format!("{} hours", minutes / 60),
            minutes => format!("{minutes} min"),
        };
        write!(f, "{:.0} in {window}, usually ", self.count)?;
        let an_hour = self.usual * 60.0 / self.window as f64;
        match (self.usual, an_hour) {
            (usual, _) if usual >= 1.0 => write!(f, "{usual:.0}"),
            (_, an_hour) if an_hour >= 1.0 => write!(f, "{an_hour:.0} per hour"),
            (_, an_hour) if an_hour * 24.0 >= 1.0 => write!(f, "{:.0} per day", an_hour * 24.0),
            _ => f.write_str("less than one a day"),
        }
    }
}
