//! The description of the API: OpenAPI 3.1, made of the types of the views and acts.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use signalbox_runtime::telemetry::VERSION;

use crate::view::{Act, View};

/// The description so far.
pub(crate) struct OpenApi {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Default for OpenApi {
    fn default() -> OpenApi {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        OpenApi {
            schemas: settings.into_generator(),
            paths: Map::new(),
        }
    }
}

impl OpenApi {
    /// Describes a view.
    pub(crate) fn add_view<V: View>(&mut self) {
        let operation = json!({
            "operationId": format!("get_{}", V::NAME),
            "summary": V::ABOUT,
            "parameters": self.parameters::<V::Query>(),
            "responses": self.responses::<V>(),
        });
        self.add(V::NAME, "get", operation);
    }

    /// Describes an act.
    pub(crate) fn add_act<A: Act>(&mut self) {
        let body = self.schemas.subschema_for::<A>();
        let header = json!({
            "name": "X-Signalbox",
            "in": "header",
            "required": true,
            "description": "Any value; proves that no page of another origin sent the request.",
            "schema": { "type": "string", "examples": ["1"] },
        });
        let operation = json!({
            "operationId": A::NAME.replace('/', "_"),
            "summary": A::ABOUT,
            "parameters": [header],
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": self.responses::<A::Answer>(),
        });
        self.add(A::NAME, "post", operation);
    }

    fn add(&mut self, name: &str, method: &str, operation: Value) {
        let path = self
            .paths
            .entry(format!("/api/{name}"))
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(method.to_owned(), operation);
        }
    }

    /// Lists the keys of a query, each with the schema and the sentence of its field.
    fn parameters<Q: JsonSchema>(&mut self) -> Vec<Value> {
        let schema = Q::json_schema(&mut self.schemas);
        let properties = schema.get("properties").and_then(Value::as_object);
        let parameters = properties.into_iter().flatten().map(|(name, schema)| {
            let mut schema = schema.clone();
            let about = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            json!({ "name": name, "in": "query", "description": about, "schema": schema })
        });
        parameters.collect()
    }

    fn responses<T: JsonSchema>(&mut self) -> Value {
        let schema = self.schemas.subschema_for::<T>();
        let problem = json!({
            "description": "A sentence that names the fault and the remedy.",
            "content": { "application/json": { "schema": {
                "type": "object",
                "properties": { "error": { "type": "string" } },
                "required": ["error"],
            } } },
        });
        json!({
            "200": { "description": "The data.", "content": { "application/json": { "schema": schema } } },
            "default": problem,
        })
    }

    /// Returns the whole document.
    pub(crate) fn finish(mut self) -> Value {
        json!({
            "openapi": "3.1.0",
            "info": { "title": "Signalbox", "version": VERSION },
            "paths": self.paths,
            "components": {
                "schemas": self.schemas.take_definitions(true),
                "securitySchemes": {
                    "token": { "type": "http", "scheme": "bearer" },
                    "session": { "type": "apiKey", "in": "cookie", "name": "__Host-signalbox" },
                },
            },
            "security": [{ "token": [] }, { "session": [] }, {}],
        })
    }
}
