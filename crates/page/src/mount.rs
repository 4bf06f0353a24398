//! Builds the routes of views and acts, the menu and the API's description, all from the same list.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use serde::de::DeserializeOwned;
use signalbox_admin::{AdminState, Caller, PageRoutes, done, json};

use crate::fields;
use crate::layout::document;
use crate::openapi::OpenApi;
use crate::problem::Problem;
use crate::rates::Rates;
use crate::state::{Link, Page};
use crate::view::{Act, View};
use crate::{assets, sign_in};

/// The routes so far.
#[derive(Default)]
pub(crate) struct Mount {
    router: Router<Page>,
    menu: Vec<Link>,
    api: OpenApi,
    posts: Vec<(String, Option<&'static str>)>,
}

impl Mount {
    /// Adds a view.
    pub(crate) fn view<V: View>(mut self) -> Mount {
        if V::IN_MENU {
            self.menu.push(Link {
                name: V::NAME,
                title: V::TITLE,
            });
        }
        self.api.add_view::<V>();
        self.router = self
            .router
            .route(&format!("/ui/{}", V::NAME), get(show::<V>))
            .route(&format!("/api/{}", V::NAME), get(answer::<V>));
        self
    }

    /// Adds an act.
    pub(crate) fn act<A: Act>(mut self) -> Mount {
        self.api.add_act::<A>();
        let path = format!("/api/{}", A::NAME);
        self.router = self.router.route(&path, post(act::<A>));
        self.posts.push((path, A::WORD));
        self
    }

    /// Adds a POST that only reads, such as a search that names a person in its body.
    pub(crate) fn reading_post(mut self, path: &str, route: MethodRouter<Page>) -> Mount {
        self.posts.push((path.to_owned(), None));
        self.route(path, route)
    }

    /// Adds a POST that acts and answers with a page; `word` names the act in the audit log.
    pub(crate) fn acting_post(mut self, path: &str, word: &'static str, route: MethodRouter<Page>) -> Mount {
        self.posts.push((path.to_owned(), Some(word)));
        self.route(path, route)
    }

    /// Adds another route, which the API's description does not have.
    pub(crate) fn route(mut self, path: &str, route: MethodRouter<Page>) -> Mount {
        self.router = self.router.route(path, route);
        self
    }

    /// Ends the list: adds the assets and the API's description.
    pub(crate) fn finish(self, admin: AdminState) -> PageRoutes {
        let described = self.api.finish();
        let page = Page {
            admin,
            menu: self.menu.into(),
            rates: Rates::default(),
        };
        let described = get(move || {
            let answer = json(&described);
            async move { answer }
        });
        let router = self
            .router
            .route("/api/openapi.json", described)
            .route("/ui/assets/{name}", get(assets::serve))
            .route("/ui/{*path}", get(missing));
        PageRoutes {
            router: router.with_state(page),
            posts: self.posts,
            sign_in: Some(sign_in::html),
        }
    }
}

/// Reads the query of an address.
fn query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, Problem> {
    fields::check(uri.query().unwrap_or_default().as_bytes())?;
    let query = Query::try_from_uri(uri);
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    Ok(query)
}

/// Reads a view.
async fn read<V: View>(page: &Page, caller: &Caller, query: V::Query) -> Result<(V, V::Query), Problem> {
    Ok((V::read(page, caller, query.clone()).await?, query))
}

async fn show<V: View>(State(page): State<Page>, Extension(caller): Extension<Caller>, uri: Uri) -> Response {
    let query = query::<V::Query>(&uri);
    if let Ok(Some(address)) = query.as_ref().map(|query| V::elsewhere(&page, query)) {
        return Redirect::to(&address).into_response();
    }
    let read = async { read::<V>(&page, &caller, query?).await };
    match read.await {
        Ok((view, query)) => {
            let main = view.html(&query, &caller);
            document(&page, &caller, V::TITLE, Some((V::NAME, uri.query())), &main).into_response()
        }
        Err(problem) => {
            let page = document(&page, &caller, V::TITLE, None, &problem.html());
            (problem.status, page).into_response()
        }
    }
}

/// Answers for an address of no view, in the frame of the page.
async fn missing(State(page): State<Page>, Extension(caller): Extension<Caller>) -> Response {
    let problem = Problem::not_found("There is no such page. The menu leads to those that there are.");
    let page = document(&page, &caller, "Not found", None, &problem.html());
    (problem.status, page).into_response()
}

async fn answer<V: View>(
    State(page): State<Page>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Response {
    let read = async { read::<V>(&page, &caller, query(&uri)?).await };
    match read.await {
        Ok((view, query)) => match view.csv(&query) {
            Some(table) => csv(V::NAME, table),
            None => json(&view),
        },
        Err(problem) => problem.json(),
    }
}

/// Answers a table as a file to keep.
fn csv(name: &str, table: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.csv\""),
        ),
    ];
    (headers, table).into_response()
}

async fn act<A: Act>(
    State(page): State<Page>,
    Extension(caller): Extension<Caller>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::unread(&rejection).json(),
    };
    // The parser's own error could quote a value.
    let Ok(wanted) = serde_json::from_slice::<A>(&body) else {
        let told = format!(
            "The body must be JSON as /api/openapi.json describes it for /api/{}.",
            A::NAME
        );
        return Problem::bad_request(told).json();
    };
    match wanted.act(&page, &caller).await {
        Ok(answer) => done(A::deed(&answer), json(&answer)),
        Err(problem) => problem.json(),
    }
}

impl Problem {
    fn json(&self) -> Response {
        let mut answer = json(&serde_json::json!({ "error": self.message }));
        *answer.status_mut() = self.status;
        answer
    }

    fn html(&self) -> maud::Markup {
        let heading = match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::BAD_REQUEST => "This address is not understood",
            _ => "This cannot be shown now",
        };
        maud::html! {
            h1 { (heading) }
            p { (self.message) }
        }
    }
}
