//! The steps of the story that have a workflow of their own: fee reports and incidents.

use super::book::Story;
use safu_ledger::domain::contribution::manifest::{DescribeMeta, describe};
use safu_ledger::domain::contribution::rows::COLUMNS;
use safu_ledger::domain::incident::claims::ControlTotals;
use safu_ledger::domain::text::Name;
use safu_ledger::service::Call;
use safu_ledger::service::contributions::events::EventFeed;
use safu_ledger::service::incidents::approvals::NewApproval;
use safu_ledger::service::incidents::claims::NewClaims;
use safu_ledger::service::incidents::declare::NewIncident;
use safu_ledger::service::incidents::estimates::{NewAssetEstimate, NewEstimate};
use safu_ledger::service::incidents::payouts::{NewPayout, PaidBy};
use safu_ledger::service::incidents::recognition::NewRecognition;
use safu_ledger::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt};
use safu_ledger::service::policies::ContributionTerms;
use safu_ledger::service::registry::NewVenue;
use safu_ledger::service::treasury::Units;

/// What an estimate says of one asset.
#[derive(Clone, Copy)]
pub struct Estimate {
    pub asset: &'static str,
    pub case: Option<&'static str>,
    pub ibnr: Option<&'static str>,
    pub identified: Option<&'static str>,
}

impl Story {
    /// One venue that owes a tenth of its fees.
    pub fn venue(&mut self) {
        let first = "2018-12-31".parse().unwrap();
        self.reply(|book, call| book.add_venue(&call, NewVenue { code: "spot".to_owned(), first_due: first }));
        self.reply(|book, call| book.set_contribution_policy(&call, first, ContributionTerms::of_all_venues("0.1")));
    }

    /// A version of the fee report of a day, with these net fees.
    pub fn report(&mut self, day: &str, version: u32, fees: &[(&str, &str)]) {
        let mut rows = COLUMNS.join(",");
        rows.push('\n');
        for (asset, fee) in fees {
            rows.push_str(&format!("spot,{day},{asset}-USD,{asset},10,100000000,100000000,{fee},0,{fee}\n"));
        }
        let meta = DescribeMeta {
            report_id: Name::parse(&format!("spot-{day}")).unwrap(),
            version,
            supersedes: (version > 1).then(|| version - 1),
            generated_at: self.book.clock.now(),
        };
        let manifest = describe(rows.as_bytes(), meta).unwrap().to_json();
        let answer = self.reply(|book, call| book.submit_report(&call, manifest.as_bytes(), rows.into_bytes()));
        assert_eq!(answer["state"], "accepted", "{answer}");
    }

    /// One single event with a net fee.
    pub fn single_event(&mut self, asset: &str, fee: &str) {
        let day = self.today();
        let body = format!(
            r#"[{{"external_id":"one","venue":"spot","business_date":"{day}","pair":"X-Y","fee_asset":"{asset}","net_fee":"{fee}"}}]"#
        );
        let feed = EventFeed::start(&self.book).unwrap();
        feed.submit_and_wait(Call::fresh("key:job"), body.as_bytes()).unwrap().success().unwrap();
    }

    /// Declares an incident with its first estimate and recognises it.
    pub fn recognise(&mut self, code: &str, first: Estimate, handling: Option<&str>) {
        let new = NewIncident {
            code: Some(code.to_owned()),
            kind: "hot-wallet-theft".to_owned(),
            title: "a theft".to_owned(),
            occurred_at: self.book.clock.now(),
            at: None,
            suspected: false,
            note: String::new(),
            statement: None,
        };
        self.reply(|book, call| book.declare_incident(&call, new));
        self.estimate(code, first);
        let new = NewRecognition { on: self.today(), handling: handling.map(str::to_owned), note: String::new() };
        self.reply(|book, call| book.recognise_incident(&call, code, new));
    }

    pub fn estimate(&mut self, code: &str, estimate: Estimate) {
        let text = |field: Option<&str>| field.map(str::to_owned);
        let asset = NewAssetEstimate {
            asset: estimate.asset.to_owned(),
            case: text(estimate.case),
            case_low: None,
            case_high: None,
            ibnr: text(estimate.ibnr),
            identified: text(estimate.identified),
        };
        let new = NewEstimate { on: self.today(), note: String::new(), assets: vec![asset] };
        self.reply(|book, call| book.estimate_incident(&call, code, new));
    }

    /// Takes claims of these amounts in, numbered from 1, and approves all of them.
    pub fn approve(&mut self, code: &str, asset: &str, amounts: &[&str]) {
        let mut file = "claim_id,claimant_ref,asset,quantity,payout_address\n".to_owned();
        for (at, amount) in amounts.iter().enumerate() {
            file.push_str(&format!("c-{at},user-{at},{asset},{amount},\n"));
        }
        let control = ControlTotals { row_count: u64::try_from(amounts.len()).ok(), ..ControlTotals::default() };
        let new = NewClaims { file_name: "claims.csv".to_owned(), bytes: file.into_bytes(), control, note: String::new() };
        self.reply(|book, call| book.import_claims(&call, code, new));
        let new = NewApproval { on: self.today(), claims: None, note: String::new() };
        self.reply(|book, call| book.approve_claims(&call, code, new));
    }

    /// Pays claims by their numbers.
    pub fn pay(&mut self, code: &str, claims: &str, wallet: &str, asset: &str, network_fee: Option<&str>) {
        let new = NewPayout {
            on: self.today(),
            asset: asset.to_owned(),
            wallet: wallet.to_owned(),
            claims: Some(claims.to_owned()),
            network_fee: network_fee.map(str::to_owned),
            note: String::new(),
        };
        self.reply(|book, call| book.pay_claims(&call, code, new, PaidBy::One("tx-1".to_owned())));
    }

    pub fn recognise_recovery(&mut self, code: &str, asset: &str, quantity: &str) {
        let new = NewRecovery {
            on: self.today(),
            asset: asset.to_owned(),
            quantity: quantity.to_owned(),
            channel: CHANNEL.to_owned(),
            virtually_certain: false,
            note: String::new(),
        };
        self.reply(|book, call| book.recognise_recovery(&call, code, new));
    }

    pub fn receive_recovery(&mut self, code: &str, received: &Units) {
        let new = NewRecoveryReceipt {
            on: self.today(),
            asset: received.asset.clone(),
            quantity: received.quantity.clone(),
            wallet: received.wallet.clone(),
            channel: CHANNEL.to_owned(),
            note: String::new(),
        };
        self.reply(|book, call| book.receive_recovery(&call, code, new));
    }
}

const CHANNEL: &str = "exchange";
