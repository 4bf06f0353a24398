//! Operators' commands with damaged pipeline files, and with addresses and folders that belong to others.

use super::{Rig, pipeline};
use crate::support::client::{get, post_all};
use crate::support::events::orders;
use crate::support::process::{Exit, run};
use crate::support::world::World;

/// Commands that read or act, with their arguments.
const COMMANDS: [&[&str]; 4] = [
    &["status"],
    &["deadletters", "list"],
    &["deadletters", "discard", "--yes"],
    &["replay", "--sink", "hook", "--from", "0", "--yes"],
];

/// Runs a command with a pipeline file, and with no variables but the folder and the admin address.
async fn without_secrets(world: &World, file: &str, command: &[&str]) -> Exit {
    let config = world.path(file);
    let variables: Vec<_> = world
        .variables()
        .into_iter()
        .filter(|(name, _)| name == "FOLDER" || name == "ADMIN")
        .collect();
    run(
        &[command, &["--config", config.to_str().unwrap()]].concat(),
        &variables,
    )
    .await
}

fn listed(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn they_need_neither_secrets_nor_a_faultless_file() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("o", 3)).await;
    rig.settled().await;
    let whole = pipeline("", "");
    let faulty = [
        whole.clone(),
        whole.replace("type = \"webhook\"", "type = \"carrier_pigeon\"\nspeed = 3"),
        whole.replace("inputs = [\"shop\"]", "inputs = [\"shp\"]"),
        whole.replace("type = \"webhook\"", "type = web\"hook"),
    ];
    // First the running router answers, then its files do.
    for running in [true, false] {
        for file in &faulty {
            rig.world.write("faulty.toml", file);
            for command in COMMANDS {
                let exit = without_secrets(&rig.world, "faulty.toml", command).await;
                // After the stop, the events to be replayed are pending already.
                let again = !running && exit.stderr.contains("nothing to replay");
                assert!(exit.code == Some(0) || again, "{command:?}: {exit:?}");
            }
            if running {
                rig.settled().await;
            }
        }
        if running {
            rig.stop().await;
        }
    }
    let told = without_secrets(&rig.world, "faulty.toml", &["status"]).await;
    assert!(told.stderr.contains("the file is no TOML outside"), "{told:?}");
}

#[tokio::test]
async fn a_token_that_is_not_known_matters_only_to_a_running_router() {
    let mut rig = Rig {
        world: World::new().await,
        router: None,
    };
    let text = pipeline("", "").replace(
        "listen = \"${ADMIN}\"",
        "listen = \"${ADMIN}\"\ntoken = \"${ADMIN_TOKEN}\"",
    );
    let config = rig.world.write("p.toml", &text);
    let token = ("ADMIN_TOKEN".to_owned(), "secret-of-the-operator".to_owned());
    let variables = |world: &World| [world.variables(), vec![token.clone()]].concat();
    let router = rig.world.router_with(&config, &variables(&rig.world)).await;
    let exit = rig.command(&["status"]).await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    assert!(
        exit.stderr
            .contains("wants its token: admin.token: the environment variable 'ADMIN_TOKEN' is not set"),
        "{exit:?}"
    );
    let known = run(
        &["status", "--config", config.to_str().unwrap()],
        &variables(&rig.world),
    )
    .await;
    assert_eq!(known.code, Some(0), "{known:?}");
    rig.router = Some(router);
    rig.stop().await;
    rig.told(&["status"]).await;
}

#[tokio::test]
async fn none_makes_a_journal() {
    let world = World::new().await;
    for (file, top) in [
        ("a.toml", ""),
        ("b.toml", "[journal]\npath = \"${FOLDER}/deep/journal\"\n"),
    ] {
        world.write(file, &pipeline(top, ""));
        let before = listed(world.folder.path());
        for command in COMMANDS {
            let exit = without_secrets(&world, file, command).await;
            assert_eq!(
                (exit.code, exit.stdout.as_str()),
                (Some(1), ""),
                "{command:?}: {exit:?}"
            );
            assert!(exit.stderr.contains("there is no journal in "), "{exit:?}");
            assert!(
                exit.stderr.contains("no router answers at [admin] listen"),
                "{exit:?}"
            );
        }
        assert_eq!(listed(world.folder.path()), before);
    }
    // Here the folder exists, but holds no journal.
    std::fs::create_dir(world.path("signalbox-journal")).unwrap();
    let exit = without_secrets(&world, "a.toml", &["status"]).await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(listed(&world.path("signalbox-journal")).is_empty());
}

#[tokio::test]
async fn an_admin_address_of_another_pipeline_is_refused() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("o", 3)).await;
    rig.settled().await;
    // Another pipeline's file has the address of this router; its journal does not exist in the first round, and exists
    // in the second.
    let other = "[journal]\npath = \"${FOLDER}/other\"\n";
    rig.world.write("other.toml", &pipeline(other, ""));
    let own = Rig::start_with(&pipeline(other, "")).await;
    let theirs = own.world.path("other");
    for there in [false, true] {
        if there {
            std::fs::create_dir(rig.world.path("other")).unwrap();
            for name in listed(&theirs) {
                std::fs::copy(theirs.join(&name), rig.world.path("other").join(&name)).unwrap();
            }
        }
        for command in COMMANDS {
            let exit = without_secrets(&rig.world, "other.toml", command).await;
            assert_eq!(
                (exit.code, exit.stdout.as_str()),
                (Some(1), ""),
                "{command:?}: {exit:?}"
            );
            assert!(exit.stderr.contains("belongs to another pipeline"), "{exit:?}");
        }
    }
    rig.world
        .write("memory.toml", &pipeline("[journal]\ntype = \"memory\"\n", ""));
    let exit = without_secrets(&rig.world, "memory.toml", &["status"]).await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    // A source answers here, not an admin address.
    let (listen, admin) = (&*rig.world.listen, &*rig.world.admin);
    rig.world.write(
        "p2.toml",
        &pipeline("", "").replace("listen = \"${ADMIN}\"", &format!("listen = \"{listen}\"")),
    );
    let exit = without_secrets(&rig.world, "p2.toml", &["status"]).await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(exit.stderr.contains("is no router of this version"), "{exit:?}");

    // The router was left alone. Its id survives restarts, and every answer tells it.
    let before = rig.asked().await;
    assert_eq!(before.sinks["hook"].delivered, 3);
    let id = before.journal.id.unwrap();
    let header = get(admin, "/health")
        .await
        .header("x-signalbox-journal")
        .unwrap()
        .to_owned();
    assert!(header.starts_with(&format!("{id} ")), "{header}");
    rig.stop().await;
    assert_eq!(rig.asked().await.journal.id.as_ref(), Some(&id));
    rig.again().await;
    assert_eq!(rig.asked().await.journal.id.as_ref(), Some(&id));
    assert_ne!(own.asked().await.journal.id, Some(id));
}

#[tokio::test]
async fn a_router_whose_folder_is_gone_can_be_asked() {
    let rig = Rig::start("").await;
    let folder = rig.world.path("signalbox-journal");
    std::fs::rename(&folder, rig.world.path("moved")).unwrap();
    let exit = rig.command(&["status"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(!folder.exists());
}
