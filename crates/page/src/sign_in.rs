//! The pages of the sign-in. They need no script.

use maud::{DOCTYPE, Markup, html};
use signalbox_admin::SignInPage;

use crate::layout;

/// Writes a page as a whole document.
pub(crate) fn html(page: &SignInPage) -> String {
    let (title, main) = match page {
        SignInPage::Form { next, problem } => ("Sign in", form(next, *problem)),
        SignInPage::Refused { why, remedy } => ("No sign-in here", refused(why, remedy)),
        SignInPage::Again => ("One moment", again()),
    };
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (layout::common_head(title))
                @if *page == SignInPage::Again { (layout::again()) }
            }
            body {
                header.top {
                    p.brand { img src="/ui/assets/icon.svg" alt="" width="28" height="28"; "Signalbox" }
                }
                main #main .sign-in { (main) }
            }
        }
    };
    document.into_string()
}

fn form(next: &str, problem: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in" }
        @if let Some(problem) = problem {
            p #problem .state.trouble role="alert" { span.badge.trouble { "Not signed in" } " " (problem) }
        }
        form method="post" action="/ui/sign-in" {
            input type="hidden" name="next" value=(next);
            p {
                label for="token" { "Your token" }
                input #token type="password" name="token" required autofocus autocomplete="current-password"
                    spellcheck="false" aria-describedby={ "about" @if problem.is_some() { " problem" } };
            }
            p #about .note {
                "The operator of this router gave it to you. This browser stays signed in for 12 hours, or until the router \
                 restarts, and does not keep the token."
            }
            button { "Sign in" }
        }
    }
}

fn refused(why: &str, remedy: &str) -> Markup {
    html! {
        h1 { "You cannot sign in over this connection" }
        p.state.trouble { span.badge.trouble { "Not safe" } " " (why) }
        p { (remedy) }
    }
}

fn again() -> Markup {
    html! {
        h1 { "One moment" }
        p { "Your browser opens the page now. If it does not, reload it." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_keeps_where_to_go_and_escapes_it() {
        let form = html(&SignInPage::Form {
            next: "/ui/events?a=1&b=\"><script>".to_owned(),
            problem: Some("This token is not known here."),
        });
        assert!(
            form.contains("value=\"/ui/events?a=1&amp;b=&quot;&gt;&lt;script&gt;\""),
            "{form}"
        );
        assert!(
            form.contains("role=\"alert\"") && !form.contains("<script"),
            "{form}"
        );
        assert!(!form.contains("http-equiv"));
        assert!(html(&SignInPage::Again).contains("<meta http-equiv=\"refresh\" content=\"0\">"));
    }
}
